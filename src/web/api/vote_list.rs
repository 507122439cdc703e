//! Lists single votes, newest first, and shows one.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::problem::Problem;
use crate::web::staff::{Principal, RequestAudit};
use crate::web::vote_access::VoteReader;
use crate::web::vote_query::VoteListQuery;
use jornada_domain::Campaign;
use jornada_domain::vote::StoredVote;
use jornada_http::page::PageContext;

/// A stored vote.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StoredVote)]
pub struct StoredVoteBody {
    /// Id of the vote, 32 hexadecimal digits.
    #[schema(example = "5f0c8a52b7e94d13a2c46e1b90d7f388")]
    pub id: String,
    /// When it was received.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// When it was stored; missing for votes of earlier versions.
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<String>,
    /// Door by which it came in: `http`, `grpc`, `form`, `import` or `queue`.
    pub door: &'static str,
    /// Name of the instance that took it in, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Partition of the queue, if the vote came by one that has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// Place in the partition or stream, if the vote came by a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// Answers by the names of the fields.
    pub answers: BTreeMap<String, String>,
}

/// A page of votes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VoteList)]
pub struct VoteListBody {
    /// The votes, newest first.
    pub votes: Vec<StoredVoteBody>,
    /// Value of `before` for the next page; null at the end of the list.
    pub next: Option<String>,
    /// False if 20,000 votes were compared with the filter before the page was full: go on with `next`.
    pub complete: bool,
    /// Value of `after` for whoever follows the votes. It looks back by the longest time that one of the latest 200 votes took to
    /// the store and 10 s more, so that votes that were stored late are found; others come again. Missing with `before`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
}

impl StoredVoteBody {
    /// Describes a vote of this campaign.
    pub fn new(campaign: &Campaign, stored: &StoredVote) -> Self {
        let vote = &stored.vote;
        let place = stored.queue_place.as_ref();
        let answers = vote.answers.named(campaign);
        Self {
            id: vote.id.to_string(),
            received_at: vote.received_at.to_string(),
            stored_at: stored.stored_at.map(|at| at.to_string()),
            door: vote.door.into(),
            instance: vote.instance.as_deref().map(Into::into),
            partition: place.and_then(|place| place.partition),
            offset: place.map(|place| place.offset.clone()),
            answers: answers
                .map(|(name, answer)| (name.to_owned(), answer.to_owned()))
                .collect(),
        }
    }
}

/// Description of the parameters that filter votes; those with the names of fields depend on the campaign.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described; `VoteListQuery` reads them")]
pub(super) struct VoteFilterParameters {
    /// First time of receipt: RFC 3339, or a day or time by the clocks of the campaign
    #[param(value_type = String, required = false, example = "2026-11-21T16:05")]
    from: Option<String>,
    /// End of the time of receipt, exclusive; a day belongs to it
    #[param(value_type = String, required = false, example = "2026-11-22")]
    until: Option<String>,
    /// `http`, `grpc`, `form`, `import` or `queue`
    #[param(rename = "_door", value_type = String, required = false)]
    door: Option<String>,
    /// Name of the instance that took the vote in
    #[param(rename = "_instance", value_type = String, required = false)]
    instance: Option<String>,
}

/// Description of the problems of requests that read votes.
#[derive(Debug, IntoResponses)]
#[expect(dead_code, reason = "only described; `Error` becomes the response")]
pub(super) enum VoteReadProblem {
    /// Parameters that cannot be used; `errors` names them, with the nearest names or values
    #[response(status = 400, content_type = "application/problem+json")]
    Query(Problem),
    /// No token, or one that is not known
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(Problem),
    /// The account or token is not for votes, or limited to places that the campaign does not ask for
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// No such campaign, one that takes in registrations, or a place that is not for this account or token
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// Try again after `Retry-After` seconds
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// Votes of a campaign, in the order of receipt, newest first.
///
/// Each field of the campaign is a parameter that filters by one answer, such as `departamento=Guatemala`, `_door` by
/// `http`, `grpc`, `form`, `import` or `queue`, and `_instance` by the name of the instance that took the vote in. Pages are stable while votes arrive. Each read leaves an audit entry, of `after` with a recent `tail` and without `before` one a minute.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/votes",
    operation_id = "list_votes",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "elecciones"),
        ("limit" = Option<u16>, Query, description = "Number of votes, 20 by default", minimum = 1, maximum = 100),
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("after" = Option<String>, Query, description = "`tail` of an earlier answer, to follow the votes"),
        VoteFilterParameters,
    ),
    responses(
        (status = 200, description = "A page of votes", body = VoteListBody),
        VoteReadProblem,
    ),
    security(("token" = [])),
    tag = "votes"
)]
pub async fn list(
    principal: Principal,
    audit: RequestAudit,
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    RawQuery(query): RawQuery,
    visit: PageContext,
) -> Result<Response, Error> {
    let reader = VoteReader::new(&app, principal, audit, &campaign)?;
    let query = query.unwrap_or_default();
    let query = VoteListQuery::parse(&query, &reader.campaign, visit.lang);
    let query = query.map_err(Error::InvalidQuery)?;
    let (page, tail) = reader.list(query).await?;
    let votes = page.votes.iter();
    Ok(uncached(VoteListBody {
        votes: votes
            .map(|vote| StoredVoteBody::new(&reader.campaign, vote))
            .collect(),
        next: page.next.map(|next| next.to_string()),
        complete: page.is_complete,
        tail: tail.map(|tail| tail.to_string()),
    }))
}

/// One vote.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/votes/{id}",
    operation_id = "show_vote",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "elecciones"),
        ("id" = String, Path, description = "Id of the vote", example = "5f0c8a52b7e94d13a2c46e1b90d7f388"),
    ),
    responses(
        (status = 200, description = "The vote", body = StoredVoteBody),
        (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The account or token is not for votes, or limited to places that the campaign does not ask for", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such campaign or vote, or one that is not for this account or token", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
    tag = "votes"
)]
pub async fn show(
    principal: Principal,
    audit: RequestAudit,
    State(app): State<AppState>,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let reader = VoteReader::new(&app, principal, audit, &campaign)?;
    let vote = reader.load(&id).await?;
    Ok(uncached(StoredVoteBody::new(&reader.campaign, &vote)))
}

fn uncached(body: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
