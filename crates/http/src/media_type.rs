//! Media type of a body (RFC 9110, section 8.3.1): type, subtype and names of parameters ignore case.

use axum::http::{HeaderMap, header};

/// Media type of HTML forms without files.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Returns the media type of the body in lower case, without parameters.
pub fn media_type(headers: &HeaderMap) -> String {
    let sent = headers.get(header::CONTENT_TYPE);
    let sent = sent.and_then(|value| value.to_str().ok());
    let essence = sent.and_then(|value| value.split(';').next());
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}
