//! Request log: one log line and the metrics per request, under a request id that is returned to the client.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, debug, info, info_span};
use uuid::Uuid;

use super::AppState;

/// Header with the request id in requests and responses; set by nginx.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Request id as an extension for handlers.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Outermost middleware: assigns the request id, logs and counts.
pub async fn log_request(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let id = request_id(&request);
    let told = RequestId(id.to_str().unwrap_or_default().to_owned());
    request.extensions_mut().insert(told);
    let method = known_method(request.method());
    // The template, never the path: paths contain receipt numbers and cities.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = info_span!("request", request_id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span.clone()).await;
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let elapsed = start.elapsed();
    let status = response.status();
    app.metrics
        .http
        .record_response(route, method, &status, elapsed.as_secs_f64());
    let status = status.as_u16();
    span.in_scope(|| log_line(method, route, status, elapsed));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Logs a request. Health checks are logged at debug level, because load balancers send them all the time.
fn log_line(method: &str, route: &str, status: u16, elapsed: Duration) {
    let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if route == "/healthz" {
        debug!(
            method,
            route, status, ms, "{method} {route} {status} in {ms} ms"
        );
    } else {
        info!(
            method,
            route, status, ms, "{method} {route} {status} in {ms} ms"
        );
    }
}

/// Returns the id of the client if it is well-formed, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let well_formed = |id: &&HeaderValue| {
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        (8..=64).contains(&id.len()) && id.as_bytes().iter().all(known)
    };
    let sent = request.headers().get(REQUEST_ID).filter(well_formed);
    sent.cloned().unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        let id = Uuid::new_v4().simple().encode_lower(&mut text);
        HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("unknown"))
    })
}

/// Maps a method to a closed set, because clients may send any word.
fn known_method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let found = known.into_iter().find(|known| method == *known);
    found.unwrap_or("other")
}
