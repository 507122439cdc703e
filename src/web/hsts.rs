//! What every answer of the site carries: the headers that forbid, and on TLS the order to stay there.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::AppState;
use super::headers::add_security_headers;

/// A year, as nginx says it too.
const HSTS: &str = "max-age=31536000";

/// Middleware: the same, and on TLS tells browsers to stay there (RFC 6797).
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
