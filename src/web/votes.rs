//! Votes over HTTP and gRPC: admission, and the answers of the API and of aliases.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::address::ClientAddress;
use super::error::Error;
use super::error::problem::FieldProblem;
use jornada_domain::{Campaign, Door, FieldError, IdempotencyKey, Lang, ValidationError};
use jornada_http::vote_body::{VoteItem, VoteItemError};
use jornada_service::staff::token::Token;
use jornada_service::votes::{CastError, CastVote, SentVote, VoteKey};

/// Name of the whole vote and of its key in errors.
const VOTE: &str = "vote";
const KEY: &str = "idempotency_key";

/// What became of one vote.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VoteOutcome {
    /// Position in the request, from 0.
    pub index: usize,
    /// Id of the vote, the same for every retry; 32 hexadecimal digits. Missing if it was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `stored`, `already-stored` by an earlier try, `invalid`, `conflict`, or `unavailable`: repeat it with the same key.
    pub status: &'static str,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// Who sends votes, for admission.
#[derive(Debug)]
pub struct VoteSender {
    client: ClientAddress,
    token: Option<Token>,
}

impl VoteSender {
    /// Reads address and token of a request.
    pub fn new(client: ClientAddress, headers: &HeaderMap) -> Self {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Token::from_text(token.trim()));
        Self { client, token }
    }

    /// Admits votes of the sender: with a token of the scope `votes`, else within the limit of its address if the campaign
    /// is open to everyone.
    pub async fn admit(
        &self,
        app: &AppState,
        campaign: &Campaign,
        votes: usize,
        now: Timestamp,
    ) -> Result<(), Error> {
        match &self.token {
            Some(token) => app.voter_tokens.check(&app.store, token, now).await?,
            None if campaign.requires_token => return Err(Error::Unauthorized),
            None => {
                let ClientAddress(client) = self.client;
                app.admission
                    .admit_votes(&campaign.id, client, votes, now)?;
            }
        }
        Ok(())
    }
}

/// Returns the campaign, or the error for one that takes in registrations.
pub fn require_votes(campaign: &Arc<Campaign>) -> Result<(), Error> {
    campaign.is_vote().then_some(()).ok_or(Error::OtherKind)
}

/// Reads the idempotency key of a request.
pub fn read_key(parts: &Parts) -> Result<Option<IdempotencyKey>, Error> {
    let sent = parts.headers.get("idempotency-key");
    let key = sent.map(|sent| sent.to_str().ok().and_then(IdempotencyKey::parse));
    key.map_or(Ok(None), |key| {
        let error = FieldError::new(KEY, ValidationError::BadKey);
        key.map(Some).ok_or_else(|| Error::Invalid(vec![error]))
    })
}

/// Converts a vote from JSON. Its own key replaces the one derived from the request.
pub fn to_sent_vote(item: VoteItem, key: Option<VoteKey>) -> Result<SentVote, Vec<FieldError>> {
    match item.error {
        Some(VoteItemError::NotAnObject) => {
            return Err(vec![FieldError::new(VOTE, ValidationError::NotAnObject)]);
        }
        Some(VoteItemError::NotAText(name)) => {
            return Err(vec![FieldError::new(&name, ValidationError::NotAText)]);
        }
        None => {}
    }
    let own = item.key.map(|key| IdempotencyKey::parse(&key).ok_or(()));
    let own = own.transpose().map_err(|()| {
        let error = FieldError::new(KEY, ValidationError::BadKey);
        vec![error]
    })?;
    Ok(SentVote {
        answers: item.answers,
        key: own.map(VoteKey::from).or(key),
    })
}

/// Casts the votes that could be read, and returns an outcome for each.
pub async fn cast_readable(
    app: &AppState,
    campaign: &Arc<Campaign>,
    door: Door,
    votes: Vec<Result<SentVote, Vec<FieldError>>>,
    now: Timestamp,
) -> Vec<Result<CastVote, CastError>> {
    let mut readable = Vec::with_capacity(votes.len());
    let errors = votes.into_iter().map(|vote| match vote {
        Ok(vote) => {
            readable.push(vote);
            None
        }
        Err(errors) => Some(errors),
    });
    let errors: Vec<_> = errors.collect();
    let cast = app.votes.cast_all(campaign, door, readable, now);
    let mut cast = cast.await.into_iter();
    let outcomes = errors.into_iter().map(|errors| match errors {
        Some(errors) => Err(CastError::Invalid(errors)),
        None => cast.next().unwrap_or(Err(CastError::Busy)),
    });
    outcomes.collect()
}

impl VoteOutcome {
    /// Describes the outcome of vote number `index`. Causes of errors are logged, not sent.
    pub fn new(index: usize, cast: &Result<CastVote, CastError>, lang: Lang) -> Self {
        let (id, status, errors) = match cast {
            Ok(CastVote { id, is_repeated }) => {
                let status = if *is_repeated {
                    "already-stored"
                } else {
                    "stored"
                };
                (Some(id.to_string()), status, Vec::new())
            }
            Err(CastError::Invalid(errors)) => {
                let errors = FieldProblem::from_field_errors(errors, lang);
                (None, "invalid", errors)
            }
            Err(CastError::Conflict) => (None, "conflict", Vec::new()),
            Err(CastError::NotOpen { .. } | CastError::Busy | CastError::Store(_)) => {
                (None, "unavailable", Vec::new())
            }
        };
        Self {
            index,
            id,
            status,
            errors,
        }
    }

    /// Returns whether the vote is stored.
    pub fn is_accepted(&self) -> bool {
        self.id.is_some()
    }
}
