//! Registers by multipart form data or, if the campaign has no photo field, by JSON.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::web::address::ClientAddress;
use crate::web::error::problem::Problem;
use crate::web::error::{Error, Malformed};
use crate::web::submission::{ReceivedSubmission, read_upload, submit};
use crate::web::write_task::WriteTask;
use crate::web::{AppState, RequestedCampaign};
use jornada_domain::{Campaign, IdempotencyKey};
use jornada_service::registrations::SubmitOutcome;
use jornada_store::Receipt;

/// Header with a solved challenge.
const PROOF_HEADER: &str = "proof-of-work";

/// A stored registration.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Registered)]
pub struct RegistrationBody {
    /// Id of the registration, 32 hexadecimal digits.
    #[schema(example = "5f0c8a52b7e94d13a2c46e1b90d7f388")]
    pub id: String,
    /// Receipt number; the receipt is at `/r/{number}`.
    #[schema(example = "7K3M9-QXT2V-B8HC")]
    pub receipt: String,
    /// Time at which it was first received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
}

/// Registers answers and photo.
///
/// One part per field, named as in the campaign, and `consent=true` if the campaign requires consent; no other parts. Texts are UTF-8, or in
/// the `charset` of their part or of a part `_charset_`. A document number may have its kind, marks and spaces; in JSON it is a
/// text or a whole number.
/// Sending the same content again with the same `Idempotency-Key` (or the same answer to the campaign's unique field)
/// returns the first receipt again.
///
/// If somebody else sent the document number before, the answer is 409. A part `_review=true` then asks the staff to decide: the
/// submission is kept apart and counted nowhere until they keep it or the earlier one (202). The page of its receipt shows how
/// that stands. Sending it again returns the same receipt.
#[utoipa::path(
    post,
    path = "/api/v1/campaigns/{campaign}/registrations",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion"),
        ("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, the same on every retry. Identifies the registration unless the campaign has a unique field that is answered: then that answer does", pattern = "^[!-~]{8,128}$"),
        ("Proof-Of-Work" = Option<String>, Header, description = "A solved challenge of this campaign, where it asks for one"),
        ("Accept-Language" = Option<String>, Header, description = "`es` or `en`, for the words of refusals"),
    ),
    request_body(
        content(
            (serde_json::Value = "multipart/form-data"),
            (serde_json::Value = "application/json")
        ),
        description = "The fields of the campaign; JSON only where it asks for no photo"
    ),
    responses(
        (status = 201, description = "Registered", body = RegistrationBody),
        (status = 200, description = "Registered before with the same content: the first receipt", body = RegistrationBody),
        (status = 202, description = "Not registered: the staff decide which submission with this number is kept", body = RegistrationBody),
        (status = 400, description = "A request that cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The campaign is not open, or asks for a proof of work that was not sent or was used before, or a page of another site sent the form", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such campaign", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body stopped, fell 20 s behind 1 KB/s, or took more than 10 minutes", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Registered before with other content (`already-registered`); the answer does not tell whether that registration still exists. With `_review=true`: three others wait for a decision (`reviews-full`)", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More than 8 MiB of photo or 64 KiB of text", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not a JPEG, PNG or WebP photo, or another kind of body", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Answers or a photo that do not fit; `errors` names the fields", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many from this address: try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "registrations"
)]
pub async fn register(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    ClientAddress(client): ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    require_registrations(&campaign)?;
    let key = read_key(request.headers())?;
    let proof = request.headers().get(PROOF_HEADER).cloned();
    // Read the whole body before any rejection: a client that is still sending would not read the response.
    let upload = read_upload(&app, &app.uploads, &campaign, request).await?;
    let work = async move {
        let proof = proof.as_ref().and_then(|proof| proof.to_str().ok());
        let received = ReceivedSubmission::from_api(&campaign, client, upload, key, proof);
        submit(&app, received).await.map(respond)
    };
    Ok(task.run(work).await)
}

/// Returns the error for a campaign that takes in votes.
fn require_registrations(campaign: &Campaign) -> Result<(), Error> {
    (!campaign.is_vote()).then_some(()).ok_or(Error::OtherKind)
}

/// Returns the idempotency key of the request, or a new one. A request without a key cannot be retried.
pub(super) fn read_key(headers: &HeaderMap) -> Result<IdempotencyKey, Error> {
    let Some(sent) = headers.get("idempotency-key") else {
        return Ok(IdempotencyKey::from(Uuid::new_v4()));
    };
    let key = sent.to_str().ok().and_then(IdempotencyKey::parse);
    key.ok_or(Error::Malformed(Malformed::IdempotencyKey))
}

fn respond(accepted: SubmitOutcome) -> Response {
    let (status, receipt) = match accepted {
        SubmitOutcome::Registered(receipt) => (StatusCode::CREATED, receipt),
        SubmitOutcome::SameAgain(receipt) => (StatusCode::OK, receipt),
        SubmitOutcome::InReview(receipt) => (StatusCode::ACCEPTED, receipt),
    };
    let body = RegistrationBody::from(&receipt);
    let location = [(header::LOCATION, format!("/r/{}", body.receipt))];
    (status, location, Json(body)).into_response()
}

impl From<&Receipt> for RegistrationBody {
    fn from(receipt: &Receipt) -> Self {
        Self {
            id: receipt.id.to_string(),
            receipt: receipt.id.receipt().to_string(),
            received_at: receipt.received_at,
        }
    }
}
