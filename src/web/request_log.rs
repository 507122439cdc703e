//! Request log: one log line and the metrics per request, under a request id that is returned to the client.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, Span, debug, info, info_span};
use uuid::Uuid;

use super::connection::ClientReset;
use super::error::AnsweredToProgram;
use super::{AppState, error, host_check, hsts, read_only};
use jornada_http::lang::read_lang;

/// Status of a request whose client hung up before the response, as in the logs of nginx.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Header with the request id in requests and responses; set by nginx.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Request id as an extension for handlers.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The middleware around all routes: assigns the request id, logs and counts. A request that writes carries its log entry as
/// an extension. There is one instead of several, because each costs a small request as much as reading its body.
pub async fn log_request(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
    let told = RequestId(id.to_str().unwrap_or_default().to_owned());
    let span = info_span!("request", request_id = told.0);
    request.extensions_mut().insert(told);
    let entry = LogEntry::new(app, &request, span.clone());
    if !request.method().is_safe() {
        request.extensions_mut().insert(entry.clone());
    }
    let mut response = answer(&entry.0.app, request, next).instrument(span).await;
    entry.0.write_once(Some(response.status()));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Checks method and host, renders errors, and adds the security headers.
async fn answer(app: &AppState, request: Request, next: Next) -> Response {
    let is_secure = app.is_secure(request.headers());
    let lang = read_lang(request.uri(), request.headers());
    let uri = request.uri().clone();
    let is_of_program = AnsweredToProgram::fits(request.method(), uri.path());
    let checked = host_check::check(app, &request);
    let response = match checked.and_then(|()| read_only::check(app, &request)) {
        Ok(()) => next.run(request).await,
        Err(error) => {
            let mut response = error.into_response();
            if is_of_program {
                response.extensions_mut().insert(AnsweredToProgram);
            }
            response
        }
    };
    let mut response = error::present(response, &uri, lang);
    hsts::add_headers(&mut response, is_secure);
    response
}

/// Log line and metrics of a request, written once: at its response or, if the client hung up, with the last clone.
#[derive(Clone, Debug)]
pub struct LogEntry(Arc<EntryState>);

#[derive(Debug)]
struct EntryState {
    app: AppState,
    start: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
    span: Span,
    /// Set for a request with a body.
    reset: Option<ClientReset>,
    /// Status of the response that nobody awaits.
    outcome: OnceLock<StatusCode>,
    /// Set for a request whose success is logged at debug level only.
    is_frequent: AtomicBool,
    is_written: AtomicBool,
}

impl LogEntry {
    fn new(app: AppState, request: &Request, span: Span) -> Self {
        Self(Arc::new(EntryState {
            app,
            start: Instant::now(),
            method: known_method(request.method()),
            // The template, never the path: paths contain receipt numbers and cities.
            route: request.extensions().get().cloned(),
            span,
            reset: request.extensions().get().cloned(),
            outcome: OnceLock::new(),
            is_frequent: AtomicBool::new(false),
            is_written: AtomicBool::new(false),
        }))
    }

    /// Logs the success of the request at debug level only: it is one of thousands a second.
    pub fn mark_frequent(&self) {
        self.0.is_frequent.store(true, Ordering::Relaxed);
    }

    /// Notes how the work of the request ended, for the log line if the client hung up.
    pub fn set_outcome(&self, status: StatusCode) {
        self.0.outcome.set(status).ok();
    }
}

impl EntryState {
    fn write_once(&self, answered: Option<StatusCode>) {
        if self.is_written.swap(true, Ordering::Relaxed) {
            return;
        }
        let is_reset = self.reset.as_ref().is_some_and(ClientReset::is_set);
        let answered = answered.filter(|_| !is_reset);
        let outcome = self.outcome.get().filter(|_| answered.is_none());
        let closed = || StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or_default();
        let status = answered.unwrap_or_else(closed);
        let route = self.route.as_ref().map_or("unknown", MatchedPath::as_str);
        let elapsed = self.start.elapsed();
        self.app
            .metrics
            .http
            .record_response(route, self.method, &status, elapsed.as_secs_f64());
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let outcome = outcome.map(StatusCode::as_u16);
        let is_frequent = self.is_frequent.load(Ordering::Relaxed) && status.is_success();
        let is_quiet = is_frequent || route == "/healthz";
        let log = || log_line(self.method, route, status.as_u16(), outcome, ms, is_quiet);
        self.span.in_scope(log);
    }
}

impl Drop for EntryState {
    fn drop(&mut self) {
        self.write_once(None);
    }
}

/// Logs a request. Health checks and accepted votes are logged at debug level, because they come all the time.
fn log_line(method: &str, route: &str, status: u16, outcome: Option<u16>, ms: u64, is_quiet: bool) {
    if is_quiet {
        debug!(
            method,
            route, status, ms, "{method} {route} {status} in {ms} ms"
        );
    } else {
        info!(
            method,
            route, status, outcome, ms, "{method} {route} {status} in {ms} ms"
        );
    }
}

/// Returns the id of the client if it is well-formed, else a new one.
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    let well_formed = |id: &&HeaderValue| {
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        (8..=64).contains(&id.len()) && id.as_bytes().iter().all(known)
    };
    let sent = headers.get(REQUEST_ID).filter(well_formed);
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
