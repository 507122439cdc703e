//! Security headers of the public listener, with HSTS (RFC 6797) on TLS.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::AppState;
use jornada_http::headers::add_security_headers;

/// One year, as in the nginx configuration.
const HSTS: &str = "max-age=31536000";

/// Middleware: adds the security headers, and on TLS `Strict-Transport-Security`.
pub async fn guard(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let secure = app.is_secure(request.headers());
    let mut response = next.run(request).await;
    add_security_headers(response.headers_mut());
    if secure {
        let (name, value) = (header::STRICT_TRANSPORT_SECURITY, HSTS);
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
