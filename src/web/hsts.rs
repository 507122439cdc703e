//! Security headers of the public listener, with HSTS (RFC 6797) on TLS.

use axum::http::{HeaderValue, header};
use axum::response::Response;

use jornada_http::headers::add_security_headers;

/// One year, as in the nginx configuration.
const HSTS: &str = "max-age=31536000";

/// Adds the security headers, and on TLS `Strict-Transport-Security`.
pub fn add_headers(response: &mut Response, is_secure: bool) {
    add_security_headers(response.headers_mut());
    if is_secure {
        let (name, value) = (header::STRICT_TRANSPORT_SECURITY, HSTS);
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
}
