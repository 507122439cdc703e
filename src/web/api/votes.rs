//! Takes in votes as JSON: one, or many at once.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::registrations;
use crate::web::address::ClientAddress;
use crate::web::aliased_vote::{parse_aliased, with_sent_names};
use crate::web::error::problem::Problem;
use crate::web::error::{Error, Malformed};
use crate::web::submission::{ReceivedSubmission, read_upload, submit_vote};
use crate::web::votes::{
    VoteOutcome, VoteSender, max_members, read_key, require_answer, require_votes, to_sent_vote,
};
use crate::web::write_task::WriteTask;
use crate::web::{AppState, RequestedCampaign};
use jornada_domain::{Campaign, Door, Lang};
use jornada_http::media_type::media_type;
use jornada_http::page::PageContext;
use jornada_http::vote_body::{
    VoteItem, VoteItemError, VoteLimits, VoteListError, parse_array, parse_lines, parse_vote,
    read_body,
};
use jornada_http::{MalformedBody, UploadError};
use jornada_service::votes::{
    CastError, CastStatus, CastVote, MAX_VOTES, MAX_VOTES_BYTES, VoteKey,
};

/// Maximum size of a single vote in bytes.
const MAX_VOTE_BYTES: usize = 64 * 1024;

/// A vote that is stored or queued.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Voted)]
pub struct VoteBody {
    /// Id of the vote, 32 hexadecimal digits.
    #[schema(example = "5f0c8a52b7e94d13a2c46e1b90d7f388")]
    pub id: String,
    /// Receipt number, if the vote has a key; the receipt is at `/r/{number}`.
    #[schema(example = "7K3M9-QXT2V-B8HC")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// `stored`, or `queued`: kept by the queue, stored soon.
    pub status: &'static str,
}

/// Outcomes of the votes of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BatchOutcome)]
pub struct BatchBody {
    /// Number of votes that are stored or queued, those of earlier tries included.
    pub accepted: usize,
    /// One outcome for each vote, in their order.
    pub results: Vec<VoteOutcome>,
}

/// Takes in one vote.
///
/// A JSON object with the fields of the campaign; numbers also as texts. Sending the same vote again with the same
/// `Idempotency-Key` stores it once; without a key each request is a vote of its own.
#[utoipa::path(
    post,
    path = "/api/v1/campaigns/{campaign}/votes",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "elecciones"),
        ("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, the same on every retry", pattern = "^[!-~]{8,128}$"),
        ("Accept-Language" = Option<String>, Header, description = "`es` or `en`, for the words of refusals"),
    ),
    request_body(content = serde_json::Value, content_type = "application/json", description = "The fields of the campaign"),
    responses(
        (status = 201, description = "Stored", body = VoteBody),
        (status = 200, description = "Stored by an earlier try with the same key", body = VoteBody),
        (status = 202, description = "Kept by the queue; it is stored soon, and its receipt can be opened then", body = VoteBody),
        (status = 400, description = "A request that cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The campaign requires a token of the scope `votes`, or the token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The campaign is not open, the token has another scope, or a page of another site sent a form", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such campaign, or one that takes in registrations", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body stopped, fell 20 s behind 1 KB/s, or took more than 10 minutes", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key was used for another vote", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 KiB", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Answers that do not fit; `errors` names the fields", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many from this address: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The vote may or may not be stored: repeat it with the same key after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("token" = [])),
    tag = "votes"
)]
pub async fn cast(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    client: ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    require_votes(&campaign)?;
    if media_type(request.headers()) == "multipart/form-data" {
        // Boxed, because every vote would carry the reading of a form otherwise.
        return Box::pin(receive_form(&app, campaign, client, task, request)).await;
    }
    receive_vote(&app, campaign, None, client, task, request).await
}

/// Reads the form as its script sends it, and casts the vote.
async fn receive_form(
    app: &AppState,
    campaign: Arc<Campaign>,
    ClientAddress(client): ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    if campaign.requires_token {
        return Err(Error::VoteTokenRequired);
    }
    let key = registrations::read_key(request.headers())?;
    let upload = read_upload(app, &app.uploads, &campaign, request).await?;
    let app = app.clone();
    let work = async move {
        let received = ReceivedSubmission::from_api(&campaign, client, upload, key, None);
        let cast = submit_vote(&app, received).await?;
        Ok::<_, Error>(respond(cast, true))
    };
    Ok(task.run(work).await)
}

/// Reads a vote and casts it. The alias of this number in the campaign has names of its own for the fields.
pub(in crate::web) async fn receive_vote(
    app: &AppState,
    campaign: Arc<Campaign>,
    alias: Option<usize>,
    client: ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let mut reservation = app.uploads.start_reservation();
    let body = read_body(body, MAX_VOTE_BYTES, &mut reservation).await?;
    let members = max_members(&campaign);
    let item = match alias {
        Some(index) => parse_aliased(&campaign.aliases[index], &head.headers, &body, members),
        None if media_type(&head.headers) == "application/json" => parse_vote(&body, members),
        None => return Err(Error::MediaType { json: true }),
    };
    if item.error == Some(VoteItemError::NotAnObject) {
        return Err(Error::Malformed(Malformed::Body(MalformedBody::NotJson)));
    }
    let sender = VoteSender::new(client, &head.headers);
    let key = read_key(&head)?;
    let app = app.clone();
    let work = async move {
        let now = Timestamp::now();
        let _reservation = reservation;
        sender.admit(&app, &campaign, 1, now).await?;
        let vote = to_sent_vote(item, key.map(VoteKey::from));
        let has_key = vote.as_ref().is_ok_and(|vote| vote.key.is_some());
        let cast = app.votes.cast(&campaign, Door::Http, vote, now).await;
        let cast = cast.map_err(|error| {
            let error = match alias {
                Some(index) => with_sent_names(&campaign.aliases[index], error),
                None => error,
            };
            Error::from_cast_error(error, &campaign)
        })?;
        Ok::<_, Error>(respond(cast, has_key))
    };
    Ok(task.with_frequent_success().run(work).await)
}

/// Takes in up to 10,000 votes or 4 MiB.
///
/// A JSON array of objects, or NDJSON: an object a line. A mistake in one vote is its outcome and leaves the others alone.
/// With an `Idempotency-Key` vote number i has the key `{key}/{i}`, unless it has one of its own in `_key`.
#[utoipa::path(
    post,
    path = "/api/v1/campaigns/{campaign}/votes/batch",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "elecciones"),
        ("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, the same on every retry", pattern = "^[!-~]{8,128}$"),
        ("Accept-Language" = Option<String>, Header, description = "`es` or `en`, for the words of refusals"),
    ),
    request_body(
        content((serde_json::Value = "application/json"), (String = "application/x-ndjson")),
        description = "The votes"
    ),
    responses(
        (status = 200, description = "An outcome for each vote; with `Retry-After` if some are `unavailable`", body = BatchBody),
        (status = 400, description = "A request that cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The campaign requires a token of the scope `votes`, or the token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The campaign is not open, or the token has another scope", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such campaign, or one that takes in registrations", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body stopped, fell 20 s behind 1 KB/s, or took more than 10 minutes", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "No vote, more than 10,000, or more than 4 MiB", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Neither JSON nor NDJSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A wrong `Idempotency-Key`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many from this address: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("token" = [])),
    tag = "votes"
)]
pub async fn cast_batch(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    client: ClientAddress,
    visit: PageContext,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    require_votes(&campaign)?;
    let (head, body) = request.into_parts();
    let mut reservation = app.uploads.start_reservation();
    let body = read_body(body, MAX_VOTES_BYTES, &mut reservation).await;
    let body = body.map_err(|error| match error {
        UploadError::TextTooLarge => Error::TooManyVotes,
        other => other.into(),
    })?;
    let limits = VoteLimits {
        votes: MAX_VOTES,
        members: max_members(&campaign),
    };
    let items = match media_type(&head.headers).as_str() {
        "application/json" => parse_array(&body, limits),
        "application/x-ndjson" | "application/ndjson" => parse_lines(&body, limits),
        _ => return Err(Error::BatchMediaType),
    };
    let items = items.map_err(|error| match error {
        VoteListError::NotAnArray => Error::Malformed(Malformed::Body(MalformedBody::NotJsonArray)),
        VoteListError::TooMany => Error::TooManyVotes,
    })?;
    if items.is_empty() {
        return Err(Error::TooManyVotes);
    }
    drop(body);
    // Once more for the validated votes.
    let size = 2 * items.iter().map(VoteItem::size).sum::<usize>();
    reservation.resize(size)?;
    let sender = VoteSender::new(client, &head.headers);
    let key = read_key(&head)?;
    let work = async move {
        let now = Timestamp::now();
        sender.admit(&app, &campaign, items.len(), now).await?;
        let items = items.into_iter().enumerate();
        let votes = items.map(|(index, item)| {
            let key = key.as_ref().map(|key| VoteKey::of_item(key, index));
            to_sent_vote(item, key)
        });
        let cast = app
            .votes
            .cast_all(&campaign, Door::Http, votes.collect(), now);
        let cast = cast.await;
        drop(reservation);
        require_answer(&cast, &campaign)?;
        Ok::<_, Error>(respond_to_batch(&cast, visit.lang))
    };
    Ok(task.with_frequent_success().run(work).await)
}

fn respond_to_batch(cast: &[Result<CastVote, CastError>], lang: Lang) -> Response {
    let unavailable = cast.iter().find_map(|cast| match cast {
        Err(CastError::Store(error)) => Some(error),
        _ => None,
    });
    if let Some(error) = unavailable {
        tracing::warn!("votes of a request may not be stored: {error}");
    }
    let outcomes = cast.iter().enumerate();
    let results: Vec<_> = outcomes
        .map(|(index, cast)| VoteOutcome::new(index, cast, lang))
        .collect();
    let accepted = results.iter().filter(|one| one.is_accepted()).count();
    let mut response = Json(BatchBody { accepted, results }).into_response();
    if unavailable.is_some() {
        let seconds = HeaderValue::from_static("2");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn respond(cast: CastVote, has_key: bool) -> Response {
    let (status, name) = match cast.status {
        CastStatus::Stored => (StatusCode::CREATED, "stored"),
        CastStatus::AlreadyStored => (StatusCode::OK, "stored"),
        CastStatus::Queued => (StatusCode::ACCEPTED, "queued"),
    };
    let body = VoteBody {
        id: cast.id.to_string(),
        // The id of a vote without a key is made of its time: its receipt could be guessed.
        receipt: has_key.then(|| cast.id.receipt().to_string()),
        status: name,
    };
    (status, Json(body)).into_response()
}
