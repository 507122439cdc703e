//! All errors of the web: status, texts in both languages, and format (problem+json of RFC 9457 for programs, a page
//! for people). Causes are logged once, here, and never sent.

pub mod answer;
mod convert;
mod field_problem;
mod malformed;
pub mod photo;
mod present;
pub mod problem;
mod texts;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use strum::{IntoStaticStr, VariantNames};
use tracing::{error, warn};

use jornada_domain::history::Deletion;
use jornada_domain::{Campaign, FieldError};
use jornada_http::UploadError;
use jornada_photo::inspect::InspectionError;
use jornada_service::admission::Denied;
use jornada_service::registrations::SubmitError;
use jornada_service::votes::CastError;
use jornada_service::votes::tokens::TokenError;
use jornada_store::StoreError;

use field_problem::FieldProblem;
pub use malformed::Malformed;
pub use present::{AnsweredToProgram, panicked, present};

/// Why a request failed. Its name is the problem type and part of the ids of its texts.
#[derive(Debug, IntoStaticStr, VariantNames)]
pub enum Error {
    /// No such path.
    #[strum(serialize = "no-such-page")]
    NoSuchPage,
    /// The path does not support this method.
    #[strum(serialize = "method-not-allowed")]
    MethodNotAllowed,
    /// A method for proxies.
    #[strum(serialize = "method-not-allowed")]
    NoProxy,
    /// The instance takes in nothing.
    #[strum(serialize = "read-only")]
    ReadOnly,
    /// Unknown host name.
    #[strum(serialize = "wrong-host")]
    WrongHost,
    /// No campaign with this id.
    #[strum(serialize = "no-such-campaign")]
    NoSuchCampaign,
    /// The campaign has no such value.
    #[strum(serialize = "no-such-value")]
    NoSuchValue,
    /// The campaign has no tally with this id; with the ids that it has.
    #[strum(serialize = "no-such-tally")]
    NoSuchTally(Vec<String>),
    /// No registration with this number or id.
    #[strum(serialize = "no-such-registration")]
    NoSuchRegistration,
    /// The registration was deleted; shown to staff who could see it before.
    #[strum(serialize = "registration-removed")]
    RegistrationDeleted(Deletion),
    /// No such background report, or it has expired, or it belongs to somebody else.
    #[strum(serialize = "no-such-report")]
    NoSuchReport,
    /// The campaign has no vote with this id.
    #[strum(serialize = "no-such-vote")]
    NoSuchVote,
    /// Parameters of a list that cannot be used, in words for the client.
    #[strum(serialize = "invalid-query")]
    InvalidQuery(Vec<FieldProblem>),
    /// The campaign takes in the other kind of records.
    #[strum(serialize = "other-kind")]
    OtherKind,
    /// The idempotency key was used for another vote.
    #[strum(serialize = "vote-conflict")]
    VoteConflict,
    /// No vote, too many votes, or too large ones in one request.
    #[strum(serialize = "too-many-votes")]
    TooManyVotes,
    /// The campaign is not open.
    #[strum(serialize = "not-open")]
    NotOpen {
        /// Campaign.
        campaign: Arc<Campaign>,
        /// End of the registration period.
        closes_at: Timestamp,
    },
    /// Invalid answers.
    #[strum(serialize = "invalid-answers")]
    Invalid(Vec<FieldError>),
    /// Invalid photo.
    #[strum(serialize = "invalid-photo")]
    Photo {
        /// Name of the field.
        field: String,
        /// Problem with the photo.
        error: InspectionError,
    },
    /// Invalid answers and an invalid photo.
    #[strum(serialize = "invalid-answers")]
    InvalidBoth {
        /// Answers.
        errors: Vec<FieldError>,
        /// Name of the field of the photo.
        field: String,
        /// Problem with the photo.
        photo: InspectionError,
    },
    /// Registered before with other content, whether or not that registration still exists.
    #[strum(serialize = "already-registered")]
    AlreadyRegistered {
        /// Whether the idempotency key is known, rather than the document.
        by_key: bool,
    },
    /// Too many submissions with this number wait for a review.
    #[strum(serialize = "reviews-full")]
    ReviewsFull,
    /// Photo or body too large.
    #[strum(serialize = "too-large")]
    TooLarge,
    /// Texts too large.
    #[strum(serialize = "text-too-large")]
    TextTooLarge,
    /// Neither multipart nor, if supported, JSON.
    #[strum(serialize = "unsupported-media-type")]
    MediaType {
        /// Whether JSON is supported.
        json: bool,
    },
    /// Malformed request.
    #[strum(serialize = "malformed")]
    Malformed(Malformed),
    /// The body did not arrive in time.
    #[strum(serialize = "timeout")]
    BodyTimeout,
    /// Rate limit exceeded; with the time to wait.
    #[strum(serialize = "too-many-requests")]
    RateLimited(SignedDuration),
    /// Form submitted faster than a person can fill it in; with the time to wait.
    #[strum(serialize = "too-fast")]
    TooFast(SignedDuration),
    /// The hidden field of a form was filled in.
    #[strum(serialize = "hidden-field")]
    HoneypotFilled,
    /// The form has expired or has an invalid timestamp.
    #[strum(serialize = "old-form")]
    FormExpired,
    /// The proof of work is missing, invalid or already used.
    #[strum(serialize = "proof-of-work")]
    ProofRequired,
    /// Overloaded: a limit is exhausted.
    #[strum(serialize = "unavailable")]
    Busy,
    /// A dependency is unavailable; with the cause for the log.
    #[strum(serialize = "unavailable")]
    Unavailable(anyhow::Error),
    /// Missing or unknown token of a program that votes.
    #[strum(serialize = "unauthorized")]
    VoteTokenRequired,
    /// Neither JSON nor NDJSON.
    #[strum(serialize = "unsupported-media-type")]
    BatchMediaType,
    /// Missing or unknown token.
    #[strum(serialize = "unauthorized")]
    Unauthorized,
    /// Authenticated, but not allowed.
    #[strum(serialize = "forbidden")]
    Forbidden,
    /// Form with a missing or invalid CSRF token.
    #[strum(serialize = "stale-form")]
    InvalidCsrfToken,
    /// Form that a page of another site sent through its visitor.
    #[strum(serialize = "cross-site")]
    CrossSite,
    /// Link that was used, has expired or never existed.
    #[strum(serialize = "no-such-link")]
    NoSuchLink,
    /// Internal error; with the cause for the log.
    #[strum(serialize = "internal")]
    Internal(anyhow::Error),
}

impl Error {
    /// Returns the status code. Has no wildcard arm, so that every new error chooses its status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPage
            | Self::NoSuchCampaign
            | Self::NoSuchValue
            | Self::NoSuchTally(_)
            | Self::NoSuchRegistration
            | Self::NoSuchReport
            | Self::NoSuchVote
            | Self::OtherKind
            | Self::NoSuchLink => StatusCode::NOT_FOUND,
            Self::RegistrationDeleted(_) => StatusCode::GONE,
            Self::MethodNotAllowed | Self::NoProxy | Self::ReadOnly => {
                StatusCode::METHOD_NOT_ALLOWED
            }
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotOpen { .. }
            | Self::Forbidden
            | Self::InvalidCsrfToken
            | Self::CrossSite
            | Self::FormExpired
            | Self::ProofRequired => StatusCode::FORBIDDEN,
            Self::RateLimited(_) | Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Photo { error, .. } if error.is_too_large() => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Photo { error, .. } if error.is_unsupported_media_type() => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Invalid(_)
            | Self::Photo { .. }
            | Self::InvalidBoth { .. }
            | Self::HoneypotFilled => StatusCode::UNPROCESSABLE_ENTITY,
            Self::AlreadyRegistered { .. } | Self::ReviewsFull | Self::VoteConflict => {
                StatusCode::CONFLICT
            }
            Self::TooLarge | Self::TextTooLarge | Self::TooManyVotes => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::MediaType { .. } | Self::BatchMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(_) | Self::InvalidQuery(_) => StatusCode::BAD_REQUEST,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthorized | Self::VoteTokenRequired => StatusCode::UNAUTHORIZED,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Converts an error of a submission to this campaign.
    pub fn from_submit_error(error: SubmitError, campaign: &Arc<Campaign>) -> Self {
        match error {
            SubmitError::NotOpen { closes_at } => Self::NotOpen {
                campaign: campaign.clone(),
                closes_at,
            },
            SubmitError::Invalid(refusals) => Self::Invalid(refusals),
            SubmitError::InvalidPhoto(error) => Self::Photo {
                field: photo_name(campaign),
                error,
            },
            SubmitError::InvalidBoth(errors, photo) => Self::InvalidBoth {
                errors,
                field: photo_name(campaign),
                photo,
            },
            SubmitError::AlreadyRegistered { by_key, .. } => Self::AlreadyRegistered { by_key },
            SubmitError::ReviewsFull => Self::ReviewsFull,
            SubmitError::Busy => Self::Busy,
            SubmitError::Store(error) => error.into(),
            SubmitError::Photos(error) => error.into(),
        }
    }

    /// Converts an error of a vote for this campaign.
    pub fn from_cast_error(error: CastError, campaign: &Arc<Campaign>) -> Self {
        match error {
            CastError::NotOpen { closes_at } => Self::NotOpen {
                campaign: campaign.clone(),
                closes_at,
            },
            CastError::Invalid(errors) => Self::Invalid(errors),
            CastError::Conflict => Self::VoteConflict,
            CastError::Busy => Self::Busy,
            CastError::Store(error) => error.into(),
        }
    }

    /// Logs the cause of a server error, once, when the response is created.
    pub fn log(&self) {
        match self {
            Self::Internal(cause) => error!("request failed: {cause:#}"),
            Self::Unavailable(cause) => warn!("dependency unavailable, answering 503: {cause:#}"),
            _ => {}
        }
    }

    /// Returns the additional header of the response.
    pub(super) fn header(&self) -> Option<(header::HeaderName, HeaderValue)> {
        match self {
            Self::Busy | Self::Unavailable(_) => {
                Some((header::RETRY_AFTER, HeaderValue::from_static("2")))
            }
            Self::RateLimited(wait) | Self::TooFast(wait) => {
                Some((header::RETRY_AFTER, HeaderValue::from(retry_seconds(*wait))))
            }
            Self::ReadOnly => Some((header::ALLOW, HeaderValue::from_static("GET, HEAD"))),
            Self::NoProxy => Some((header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"))),
            // Browsers send the token as the password of Basic (RFC 7617), programs as Bearer (RFC 6750).
            Self::VoteTokenRequired => Some((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"Jornada\""),
            )),
            Self::Unauthorized => Some((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(
                    "Basic realm=\"Jornada\", charset=\"UTF-8\", Bearer realm=\"Jornada\"",
                ),
            )),
            _ => None,
        }
    }
}

fn photo_name(campaign: &Campaign) -> String {
    let field = campaign.photo_field();
    field.map(|field| field.name.clone()).unwrap_or_default()
}

/// Rounds up to whole seconds, at least one.
pub(super) fn retry_seconds(wait: SignedDuration) -> i64 {
    (wait.as_secs() + i64::from(wait.subsec_nanos() > 0)).max(1)
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::RateLimited { retry_after } => Self::RateLimited(retry_after),
            Denied::TooFast { retry_after } => Self::TooFast(retry_after),
            Denied::HoneypotFilled => Self::HoneypotFilled,
            Denied::FormExpired => Self::FormExpired,
            Denied::ProofRequired => Self::ProofRequired,
        }
    }
}

impl From<UploadError> for Error {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Busy => Self::Busy,
            UploadError::Malformed(body) => Self::Malformed(Malformed::Body(body)),
            UploadError::MediaType { json } => Self::MediaType { json },
            UploadError::Photo { field, error } => Self::Photo { field, error },
            UploadError::Refused(refusal) => Self::Invalid(vec![refusal]),
            UploadError::BodyTimeout => Self::BodyTimeout,
            UploadError::TextTooLarge => Self::TextTooLarge,
            UploadError::TooLarge => Self::TooLarge,
        }
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Unknown => Self::VoteTokenRequired,
            TokenError::OtherScope => Self::Forbidden,
            TokenError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            StoreError::Failed(_) | StoreError::Refused(_) => Self::Internal(error.into()),
        }
    }
}

/// Returns the bare status; [`present`] adds text in the language and format of the client.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let mut response = self.status().into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
