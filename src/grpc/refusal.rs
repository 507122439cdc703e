//! Errors as status codes, with the details of `google.rpc`.

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::web::error::Error;
use crate::web::error::problem::field_problems;
use jornada_domain::Lang;

/// Time to wait before a retry.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Returns the status of an error. Causes are logged, not sent.
pub fn status(error: &Error, lang: Lang) -> Status {
    error.log();
    let (code, details) = match error {
        Error::Invalid(_) => (Code::InvalidArgument, bad_request(error, lang)),
        Error::TooManyVotes | Error::TextTooLarge => (Code::InvalidArgument, ErrorDetails::new()),
        Error::NoSuchCampaign | Error::OtherKind => (Code::NotFound, ErrorDetails::new()),
        Error::NotOpen { .. } => (Code::FailedPrecondition, ErrorDetails::new()),
        Error::VoteConflict => (Code::AlreadyExists, ErrorDetails::new()),
        Error::Busy => (Code::ResourceExhausted, retry_after(RETRY_DELAY)),
        Error::RateLimited(wait) => {
            let wait = Duration::try_from(*wait).unwrap_or(RETRY_DELAY);
            (Code::ResourceExhausted, retry_after(wait))
        }
        Error::Unavailable(_) => (Code::Unavailable, retry_after(RETRY_DELAY)),
        Error::VoteTokenRequired => (Code::Unauthenticated, ErrorDetails::new()),
        Error::Forbidden => (Code::PermissionDenied, ErrorDetails::new()),
        _ => (Code::Internal, ErrorDetails::new()),
    };
    let message = match error {
        Error::NotOpen { .. } | Error::RateLimited(_) => error.detail(lang),
        _ => error.title(lang).to_owned(),
    };
    with_details(code, message, details)
}

/// Returns the status of a stream that ends before all its votes have an outcome.
pub fn interrupted(lang: Lang) -> Status {
    let message = Error::Busy.title(lang);
    with_details(
        Code::Unavailable,
        message.to_owned(),
        retry_after(RETRY_DELAY),
    )
}

/// Returns the status of a call whose client no longer waits.
pub fn deadline_passed() -> Status {
    Status::deadline_exceeded("the deadline has passed")
}

/// Turns a panic into a logged status: the call fails, the process continues.
pub fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    panic_status().into_http()
}

/// Returns the status of a call that panicked, and logs it.
pub fn panic_status() -> Status {
    let error = Error::Internal(anyhow::anyhow!("a gRPC call panicked"));
    status(&error, Lang::default())
}

fn with_details(code: Code, message: String, details: ErrorDetails) -> Status {
    let has_details = details.bad_request().is_some() || details.retry_info().is_some();
    if has_details {
        Status::with_error_details(code, message, details)
    } else {
        Status::new(code, message)
    }
}

fn retry_after(wait: Duration) -> ErrorDetails {
    ErrorDetails::with_retry_info(Some(wait))
}

/// Names the fields. The reason is the code of the HTTP API and of outcomes.
fn bad_request(error: &Error, lang: Lang) -> ErrorDetails {
    let problems = field_problems(error, lang).into_iter();
    let violations = problems.map(|problem| FieldViolation {
        field: problem.field,
        description: problem.message,
        reason: problem.code.to_owned(),
        localized_message: None,
    });
    ErrorDetails::with_bad_request(violations.collect::<Vec<_>>())
}
