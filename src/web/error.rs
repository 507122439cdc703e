//! Every refusal of the web in one place: its status, its words in both languages, and its form (problem+json of
//! RFC 9457 for programs, a page for people). Causes are logged once, here, and never sent.

pub mod answer;
pub mod photo;
pub mod problem;
mod words;

use std::any::Any;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use tracing::{error, warn};

use super::lang;
use super::page::Visit;
use crate::admission::Denied;
use crate::domain::record::Deletion;
use crate::domain::{Campaign, FieldRefusal};
use crate::intake::IntakeError;
use crate::intake::photos::KeeperError;
use crate::photo::PhotosError;
use crate::photo::inspect::PhotoRefusal;
use crate::report::ReportError;
use crate::staff::AccountsError;
use crate::staff::password::PasswordError;
use crate::store::StoreError;
use problem::Problem;

/// Why a request was not done.
#[derive(Debug)]
pub enum Error {
    /// No such address.
    NoSuchPage,
    /// The address does not take this method.
    MethodNotAllowed,
    /// A method for proxies.
    NoProxy,
    /// Asked for under a name that is not the site's.
    WrongHost,
    /// No campaign of this id.
    NoSuchCampaign,
    /// The campaign has no such value.
    NoSuchValue,
    /// No registration with this number or id.
    NoSuchRegistration,
    /// The registration was deleted; shown to staff who could see it before.
    RegistrationDeleted(Deletion),
    /// No report made in the background of this name, or not for them, or no longer.
    NoSuchReport,
    /// Not before it opens, not after it closed.
    NotOpen {
        /// What.
        campaign: Arc<Campaign>,
        /// Until when it takes or took registrations.
        closes_at: Timestamp,
    },
    /// Answers that do not fit.
    Refused(Vec<FieldRefusal>),
    /// The photo in this field does not fit.
    Photo {
        /// Name of the field.
        field: String,
        /// Why.
        refusal: PhotoRefusal,
    },
    /// Registered before with other content.
    AlreadyRegistered {
        /// Whether it was the request's key that is known, rather than the document.
        by_key: bool,
    },
    /// The identity was registered before and deleted by staff.
    PreviouslyDeleted,
    /// The photo or the body has too many bytes.
    TooLarge,
    /// The texts have too many bytes.
    TextTooLarge,
    /// Neither multipart nor, where it is taken, JSON.
    MediaType {
        /// Whether JSON is taken.
        json: bool,
    },
    /// A request that cannot be read; what of it.
    Malformed(&'static str),
    /// The body did not arrive in time.
    BodyTimeout,
    /// The client exceeded a rate limit; retry after this time.
    RateLimited(SignedDuration),
    /// A form was sent sooner than a person can fill it in; retry after this time.
    TooFast(SignedDuration),
    /// A form's hidden field was filled in.
    HoneypotFilled,
    /// A form was shown too long ago, or carries no timestamp of this site.
    FormExpired,
    /// The proof of work is missing, invalid or already used.
    ProofRequired,
    /// No bound has room for it now.
    Busy,
    /// A dependency is away; why, for the log.
    Unavailable(anyhow::Error),
    /// No token, or one that is not known.
    Unauthorized,
    /// Known, but may not do that.
    Forbidden,
    /// A form without a valid CSRF token of this session.
    InvalidCsrfToken,
    /// A link that was used, is too old or never was.
    NoSuchLink,
    /// A fault of ours; why, for the log.
    Internal(anyhow::Error),
}

impl Error {
    /// The status code; no catch-all, so that a new refusal must choose its own.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPage
            | Self::NoSuchCampaign
            | Self::NoSuchValue
            | Self::NoSuchRegistration
            | Self::NoSuchReport
            | Self::NoSuchLink => StatusCode::NOT_FOUND,
            Self::RegistrationDeleted(_) => StatusCode::GONE,
            Self::MethodNotAllowed | Self::NoProxy => StatusCode::METHOD_NOT_ALLOWED,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotOpen { .. }
            | Self::Forbidden
            | Self::InvalidCsrfToken
            | Self::FormExpired
            | Self::ProofRequired => StatusCode::FORBIDDEN,
            Self::RateLimited(_) | Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Photo { refusal, .. } if refusal.is_too_large() => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Photo { refusal, .. } if refusal.is_media_type() => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Refused(_) | Self::Photo { .. } | Self::HoneypotFilled => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::AlreadyRegistered { .. } | Self::PreviouslyDeleted => StatusCode::CONFLICT,
            Self::TooLarge | Self::TextTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What a failed intake means to the client of this campaign.
    #[must_use]
    pub fn of_intake(error: IntakeError, campaign: &Arc<Campaign>) -> Self {
        match error {
            IntakeError::NotOpen { closes_at } => Self::NotOpen {
                campaign: campaign.clone(),
                closes_at,
            },
            IntakeError::Refused(refusals) => Self::Refused(refusals),
            IntakeError::Photo(refusal) => Self::Photo {
                field: campaign
                    .photo()
                    .map(|field| field.name.clone())
                    .unwrap_or_default(),
                refusal,
            },
            IntakeError::AlreadyRegistered { by_key } => Self::AlreadyRegistered { by_key },
            IntakeError::Deleted => Self::PreviouslyDeleted,
            IntakeError::Store(error) => error.into(),
            IntakeError::Photos(error) => error.into(),
        }
    }

    /// Logs the cause of a fault of ours, once, where the answer is made.
    pub(super) fn log(&self) {
        match self {
            Self::Internal(cause) => error!("request failed: {cause:#}"),
            Self::Unavailable(cause) => warn!("request put off: {cause:#}"),
            _ => {}
        }
    }

    /// The header that goes with the status.
    pub(super) fn header(&self) -> Option<(header::HeaderName, HeaderValue)> {
        match self {
            Self::Busy | Self::Unavailable(_) => {
                Some((header::RETRY_AFTER, HeaderValue::from_static("2")))
            }
            Self::RateLimited(wait) | Self::TooFast(wait) => {
                Some((header::RETRY_AFTER, HeaderValue::from(retry_seconds(*wait))))
            }
            Self::NoProxy => Some((header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"))),
            // A browser asks for the token as the password of Basic (RFC 7617); programs send Bearer (RFC 6750).
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

/// Rounds up to whole seconds, at least one.
fn retry_seconds(wait: SignedDuration) -> i64 {
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

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            StoreError::Failed(_) => Self::Internal(error.into()),
        }
    }
}

impl From<AccountsError> for Error {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Store(error) => error.into(),
            AccountsError::Password(PasswordError::Busy) | AccountsError::Contended => Self::Busy,
            AccountsError::Password(PasswordError::Failed(_)) | AccountsError::Randomness(_) => {
                Self::Internal(error.into())
            }
        }
    }
}

impl From<KeeperError> for Error {
    fn from(error: KeeperError) -> Self {
        match error {
            KeeperError::Store(error) => error.into(),
            KeeperError::Photos(PhotosError::Unavailable(_)) | KeeperError::Full => {
                Self::Unavailable(error.into())
            }
            KeeperError::Photos(
                PhotosError::Failed(_) | PhotosError::UnknownKey(_) | PhotosError::Altered,
            ) => Self::Internal(error.into()),
        }
    }
}

impl From<ReportError> for Error {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Busy => Self::Busy,
            ReportError::Store(error) => error.into(),
            ReportError::Short { .. }
            | ReportError::File(_)
            | ReportError::Workbook(_)
            | ReportError::GivenUp
            | ReportError::BrokeOff => Self::Internal(error.into()),
        }
    }
}

/// The bare status; [`present`] gives it words in the client's language and form.
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

/// Middleware: dresses every refusal, as problem+json under `/api/` and as a page elsewhere.
pub async fn present(request: Request, next: Next) -> Response {
    let lang = lang::of(request.uri(), request.headers());
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let refused = response.extensions().get::<Arc<Error>>().cloned();
    let Some(refused) = refused.or_else(|| of_axum(&response)) else {
        return response;
    };
    let problem = Problem::of(&refused, lang);
    let dressed = if uri.path().starts_with("/api/v1/") {
        problem.into_json()
    } else {
        problem.into_page(&Visit::reading(&uri, lang))
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(dressed.headers().clone());
    Response::from_parts(parts, dressed.into_body())
}

/// What axum itself refuses (a path that is not UTF-8, a header that is missing) has its words already; ours are better.
fn of_axum(response: &Response) -> Option<Arc<Error>> {
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    match response.status() {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY if plain => {
            Some(Arc::new(Error::Malformed("a request that cannot be read")))
        }
        StatusCode::NOT_FOUND if plain => Some(Arc::new(Error::NoSuchPage)),
        StatusCode::PAYLOAD_TOO_LARGE if plain => Some(Arc::new(Error::TooLarge)),
        _ => None,
    }
}

/// Turns a panic into a logged 500: one request fails, the process goes on.
#[must_use]
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Error::Internal(anyhow::anyhow!("a handler panicked")).into_response()
}
