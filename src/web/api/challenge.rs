//! Issues challenges for campaigns that require a proof of work.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::error::Error;
use crate::web::error::problem::Problem;
use crate::web::{AppState, RequestedCampaign};
use jornada_service::admission::proof_of_work::Challenge;

/// A challenge in the format of Altcha.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Challenge)]
pub struct ChallengeBody {
    /// `SHA-256`.
    pub algorithm: &'static str,
    /// Digest of the salt and the number, both as text, in hexadecimal digits.
    pub challenge: String,
    /// Upper bound of the number.
    pub maxnumber: u32,
    /// Prefix of the digested text; contains the expiry time.
    pub salt: String,
    /// Signature of the server.
    pub signature: String,
}

impl From<Challenge> for ChallengeBody {
    fn from(challenge: Challenge) -> Self {
        Self {
            algorithm: challenge.algorithm,
            challenge: challenge.challenge,
            maxnumber: challenge.max_number,
            salt: challenge.salt,
            signature: challenge.signature,
        }
    }
}

/// Issues a challenge if the campaign requires a proof of work.
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
        (status = 200, description = "A challenge", body = ChallengeBody),
        (status = 404, description = "No such campaign, or it asks for no proof of work", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "registrations"
)]
pub async fn challenge(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
) -> Result<Response, Error> {
    let challenge = app.admission.challenge(&campaign, Timestamp::now());
    let challenge = challenge.map_err(|error| Error::Internal(anyhow::Error::new(error)))?;
    let body = ChallengeBody::from(challenge.ok_or(Error::NoSuchPage)?);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
