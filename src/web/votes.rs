//! Votes over HTTP and gRPC: admission, and the answers of the API and of aliases.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::address::ClientAddress;
use super::error::Error;
use super::error::problem::FieldProblem;
use super::staff::bearer_token;
use jornada_domain::{Campaign, FieldError, IdempotencyKey, Lang, ValidationError};
use jornada_http::vote_body::{VoteItem, VoteItemError};
use jornada_service::admission::Denied;
use jornada_service::staff::token::Token;
use jornada_service::votes::{CastError, CastStatus, CastVote, ReceivedVote, SentVote, VoteKey};

/// Name of the whole vote and of its key in errors.
const VOTE: &str = "vote";
const KEY: &str = "idempotency_key";

/// Outcome of one vote.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VoteOutcome {
    /// Position in the request, from 0.
    pub index: usize,
    /// Id of the vote, the same for every retry; 32 hexadecimal digits. Missing if it was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `stored`, `queued` to be stored soon, `already-stored` by an earlier try, `invalid`, `conflict`, or `unavailable`: repeat it with the same key.
    pub status: &'static str,
    /// Mistakes of the vote.
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
        Self {
            client,
            token: bearer_token(headers),
        }
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
            Some(token) => self.check_token(app, campaign, token, now).await,
            None if campaign.requires_token => Err(Error::VoteTokenRequired),
            None => Ok(self.count(app, campaign, votes, now)?),
        }
    }

    async fn check_token(
        &self,
        app: &AppState,
        campaign: &Campaign,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Some(known) = app.voter_tokens.check(token, now) {
            return Ok(known?);
        }
        // Who tries tokens has no more tries than votes.
        self.count(app, campaign, 1, now)?;
        // Boxed, because every vote would carry its 6 KB otherwise.
        let known = Box::pin(app.voter_tokens.look_up(&app.store, token, now));
        Ok(known.await?)
    }

    fn count(
        &self,
        app: &AppState,
        campaign: &Campaign,
        votes: usize,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let ClientAddress(client) = self.client;
        app.admission.admit_votes(&campaign.id, client, votes, now)
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

/// Returns the maximum number of members of a vote: the fields, its key, and one to be named as unknown.
pub fn max_members(campaign: &Campaign) -> usize {
    campaign.fields.len() + 2
}

/// Converts a vote from JSON. Its own key replaces the one derived from the request.
pub fn to_sent_vote(item: VoteItem, key: Option<VoteKey>) -> ReceivedVote {
    match item.error {
        Some(VoteItemError::NotAnObject) => {
            return Err(vec![FieldError::new(VOTE, ValidationError::NotAnObject)]);
        }
        Some(VoteItemError::TooManyMembers(name)) => {
            return Err(vec![FieldError::new(&name, ValidationError::UnknownField)]);
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

/// Returns the error of votes that were refused as a whole: the campaign is not open, or too much waits.
pub fn require_answer(
    cast: &[Result<CastVote, CastError>],
    campaign: &Arc<Campaign>,
) -> Result<(), Error> {
    let refusal = cast.iter().find_map(|cast| match cast {
        Err(CastError::NotOpen { closes_at }) => Some(Error::NotOpen {
            campaign: Arc::clone(campaign),
            closes_at: *closes_at,
        }),
        Err(CastError::Busy) => Some(Error::Busy),
        _ => None,
    });
    refusal.map_or(Ok(()), Err)
}

/// Returns the name of a status in the API.
pub fn status_name(status: CastStatus) -> &'static str {
    match status {
        CastStatus::Stored => "stored",
        CastStatus::AlreadyStored => "already-stored",
        CastStatus::Queued => "queued",
    }
}

impl VoteOutcome {
    /// Describes the outcome of vote number `index`. Causes of errors are logged, not sent.
    pub fn new(index: usize, cast: &Result<CastVote, CastError>, lang: Lang) -> Self {
        let (id, status, errors) = match cast {
            Ok(CastVote { id, status }) => {
                let status = status_name(*status);
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

    /// Returns whether the vote is stored or queued.
    pub fn is_accepted(&self) -> bool {
        self.id.is_some()
    }
}
