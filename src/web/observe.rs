//! What is noted of every request: one log line and the metrics, under a request id that the client is told.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, debug, info, info_span};
use uuid::Uuid;

use super::AppState;

/// Carries the request id, in and out; nginx sets it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request id, as handlers find it among the extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Middleware around everything else.
pub async fn observe(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id(&request);
    let told = RequestId(id.to_str().unwrap_or_default().to_owned());
    request.extensions_mut().insert(told);
    let method = known_method(request.method());
    // The template, never the address: addresses carry receipt numbers and cities.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = info_span!("request", request_id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span.clone()).await;
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let elapsed = start.elapsed();
    let status = response.status().as_u16();
    app.metrics
        .http
        .answered(route, method, status, elapsed.as_secs_f64());
    span.in_scope(|| note(method, route, status, elapsed));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// One line a request. Balancers ask `/healthz` all the time, and its answer tells nothing else.
fn note(method: &str, route: &str, status: u16, elapsed: Duration) {
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

/// The client's id if it is a modest one, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let modest = |id: &&HeaderValue| {
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        (8..=64).contains(&id.len()) && id.as_bytes().iter().all(known)
    };
    let sent = request.headers().get(REQUEST_ID).filter(modest).cloned();
    sent.unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        let id = Uuid::new_v4().simple().encode_lower(&mut text);
        HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("unknown"))
    })
}

/// A closed set, since a client may send any word as its method.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
