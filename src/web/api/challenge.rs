//! A challenge for campaigns that ask for a proof of work.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::abuse::work::Challenge;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::problem::Problem;

/// Sets a challenge, where the campaign asks for a proof of work.
///
/// Find the `number`, from 0 to `maxnumber`, for which SHA-256 over `salt` and the number as text is `challenge`. Send
/// `{"algorithm","challenge","number","salt","signature"}` as JSON in Base64 in the header `Proof-Of-Work` of one
/// registration, within 20 minutes. A retry of the same registration under the same key may carry the same proof.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/challenge",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion"),
    ),
    responses(
        (status = 200, description = "A challenge", body = Challenge),
        (status = 404, description = "No such campaign, or it asks for no proof of work", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "registrations"
)]
pub async fn challenge(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
) -> Result<Response, Error> {
    let set = app.challenge(app.campaign(&campaign)?)?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(set)).into_response())
}
