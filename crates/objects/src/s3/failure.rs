//! Failed requests: the error of each, and whether the request may be repeated.

use hyper::StatusCode;

use crate::error::ObjectError;

/// A failed request.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: ObjectError,
    /// Status of the response, if there was one.
    pub(super) status: Option<StatusCode>,
    pub(super) retry: Retry,
}

/// When to repeat a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// Not at all: the response would be the same.
    Never,
    /// At once, the first time: the server closed a pooled connection.
    AtOnce,
    /// After a delay.
    Delayed,
    /// After a long delay: the server asks for fewer requests.
    Throttled,
}

impl Failure {
    /// Creates the failure of a request that cannot be built.
    pub(super) fn invalid_request() -> Self {
        let error = ObjectError::Failed("cannot build the request".into());
        Self::without_response(error, Retry::Never)
    }

    /// Creates the failure of an expired timeout.
    pub(super) fn timed_out() -> Self {
        Self::without_response(ObjectError::timed_out(), Retry::Delayed)
    }

    /// Creates the failure of a body that ended early or took too long.
    pub(super) fn interrupted_download() -> Self {
        let error = ObjectError::Unavailable("download of a photo interrupted".into());
        Self::without_response(error, Retry::AtOnce)
    }

    /// Creates the failure of a response with this status and body.
    pub(super) fn from_response(status: StatusCode, body: &[u8]) -> Self {
        let code = parse_code(body);
        let retry = match (status.as_u16(), code) {
            (429, _) | (_, Some("SlowDown" | "Throttling" | "RequestLimitExceeded")) => {
                Retry::Throttled
            }
            (408 | 500 | 502 | 503 | 504, _) | (_, Some("RequestTimeout")) => Retry::Delayed,
            _ => Retry::Never,
        };
        Self {
            error: service_error(status.as_u16(), code),
            status: Some(status),
            retry,
        }
    }

    fn without_response(error: ObjectError, retry: Retry) -> Self {
        Self {
            error,
            status: None,
            retry,
        }
    }
}

impl From<hyper_util::client::legacy::Error> for Failure {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        let (text, retry) = if error.is_connect() {
            ("cannot connect", Retry::Delayed)
        } else {
            ("connection interrupted", Retry::AtOnce)
        };
        Self::without_response(ObjectError::Unavailable(text.into()), retry)
    }
}

/// Returns the error of a response by its status and code alone: the messages of S3 repeat the key. Names the setting
/// to check.
pub(super) fn service_error(status: u16, code: Option<&str>) -> ObjectError {
    let advice = match code {
        Some("InvalidAccessKeyId") => ": check AWS_ACCESS_KEY_ID",
        Some("SignatureDoesNotMatch") => ": check AWS_SECRET_ACCESS_KEY",
        Some("AccessDenied") => ": check the permissions of AWS_ACCESS_KEY_ID",
        Some("ExpiredToken" | "InvalidToken") => ": renew AWS_SESSION_TOKEN",
        Some("RequestTimeTooSkewed") => ": set the clock of this machine",
        Some("NoSuchBucket" | "PermanentRedirect") => ": check JORNADA_PHOTOS",
        None if status == 403 => ": check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        _ => "",
    };
    let text = format!("status {status}, {}{advice}", code.unwrap_or("no code"));
    if status >= 500 || matches!(status, 408 | 429) {
        ObjectError::Unavailable(text)
    } else {
        ObjectError::Failed(text)
    }
}

/// Returns the code in the XML of an error response.
fn parse_code(body: &[u8]) -> Option<&str> {
    let (_, rest) = std::str::from_utf8(body).ok()?.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_code = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, code: &str) -> Failure {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Key>k</Key></Error>");
        Failure::from_response(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn only_what_may_pass_is_repeated() {
        for (status, code, retry) in [
            (503, "SlowDown", Retry::Throttled),
            (429, "TooManyRequests", Retry::Throttled),
            (503, "ServiceUnavailable", Retry::Delayed),
            (500, "InternalError", Retry::Delayed),
            (400, "RequestTimeout", Retry::Delayed),
            (501, "NotImplemented", Retry::Never),
            (400, "BadDigest", Retry::Never),
            (403, "SignatureDoesNotMatch", Retry::Never),
            (404, "NoSuchBucket", Retry::Never),
        ] {
            assert_eq!(failure(status, code).retry, retry, "{status} {code}");
        }
    }

    #[test]
    fn errors_name_the_code_and_what_to_check_but_nothing_else_of_the_body() {
        for (status, code, text) in [
            (
                403,
                "RequestTimeTooSkewed",
                "403, RequestTimeTooSkewed: set the clock of this machine",
            ),
            (
                403,
                "InvalidAccessKeyId",
                "403, InvalidAccessKeyId: check AWS_ACCESS_KEY_ID",
            ),
            (500, "InternalError", "500, InternalError"),
            (500, "a name <b>", "500, no code"),
        ] {
            let text_of = failure(status, code).error.to_string();
            assert!(text_of.ends_with(text), "{text_of}");
        }
        let cut = Failure::from_response(StatusCode::BAD_GATEWAY, b"\xff<Code>");
        assert!(
            matches!(cut.error, ObjectError::Unavailable(text) if text == "status 502, no code")
        );
    }
}
