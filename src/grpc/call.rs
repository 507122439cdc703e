//! Limits, log line and metrics of all calls.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tonic::{Code, Status};
use tracing::{Instrument, Span, debug, info, info_span};

use super::body::BoundedBody;
use super::caller::Caller;
use super::method::{CAST, CAST_STREAM, CHECK, WATCH};
use super::refusal;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::request_log::{REQUEST_ID, request_id};
use jornada_domain::Lang;
use jornada_http::lang::read_lang;
use jornada_runtime::metrics::GaugeGuard;

/// Maximum number of open streams. They have their own limit, so that waiting streams keep no single vote out.
const MAX_STREAMS: i64 = 256;

/// Middleware: admits a call within the limits, logs and counts it.
pub async fn accept(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let method = request.extensions().get::<MatchedPath>().cloned();
    let id = request_id(request.headers());
    let span = info_span!("call", request_id = id.to_str().unwrap_or_default());
    let entry = CallEntry {
        method,
        start: Instant::now(),
        span: span.clone(),
        is_written: AtomicBool::new(false),
        app: app.clone(),
    };
    let lang = read_lang(request.uri(), request.headers());
    let (mut response, stream) = match enter(&app, request, entry.name()) {
        Ok((request, stream)) => (next.run(request).instrument(span).await, stream),
        Err(error) => (refusal::status(&error, lang).into_http(), None),
    };
    replace_size_error(&mut response, entry.name(), lang);
    response.headers_mut().insert(REQUEST_ID, id);
    if let Some(code) = read_code(response.headers()) {
        entry.write(code);
    }
    response.map(|body| {
        Body::new(LoggedBody {
            body,
            entry,
            _stream: stream,
        })
    })
}

/// Takes a place for the call, and bounds its body. A stream bounds its own.
fn enter(
    app: &AppState,
    mut request: Request,
    name: &str,
) -> Result<(Request, Option<GaugeGuard>), Error> {
    if matches!(name, CAST_STREAM | WATCH) {
        let streams = &app.metrics.grpc.streams;
        let guard = GaugeGuard::new(streams);
        if streams.get() > MAX_STREAMS {
            return Err(Error::Busy);
        }
        let caller = Caller::from_request(app, &request, None);
        request.extensions_mut().insert(caller);
        return Ok((request, Some(guard)));
    }
    let slot = app.in_flight.acquire().ok_or(Error::Busy)?;
    let caller = Caller::from_request(app, &request, Some(slot));
    let busy = caller.refuse(&Error::Busy);
    request.extensions_mut().insert(caller);
    let reservation = app.uploads.start_reservation();
    let request = request.map(|body| Body::new(BoundedBody::new(body, reservation, busy)));
    Ok((request, None))
}

/// Replaces tonic's error for a message that is too large, which has no code of the contract.
fn replace_size_error(response: &mut Response, name: &str, lang: Lang) {
    if read_code(response.headers()) == Some(Code::OutOfRange) {
        let error = if name == CAST {
            Error::TextTooLarge
        } else {
            Error::TooManyVotes
        };
        *response = refusal::status(&error, lang).into_http();
    }
}

fn read_code(headers: &HeaderMap) -> Option<Code> {
    let code = headers.get(Status::GRPC_STATUS);
    code.map(|code| Code::from_bytes(code.as_bytes()))
}

/// Log line and metrics of a call, written once.
struct CallEntry {
    method: Option<MatchedPath>,
    start: Instant,
    span: Span,
    is_written: AtomicBool,
    app: AppState,
}

impl CallEntry {
    fn name(&self) -> &str {
        self.method.as_ref().map_or("unknown", MatchedPath::as_str)
    }

    fn write(&self, code: Code) {
        if self.is_written.swap(true, Ordering::Relaxed) {
            return;
        }
        let method = self.name();
        let code = code_name(code);
        let elapsed = self.start.elapsed();
        let metrics = &self.app.metrics.grpc;
        metrics.record_call(method, code, elapsed.as_secs_f64());
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.span.in_scope(|| {
            // Accepted votes come all the time, as health checks do.
            if method == CHECK || code == "OK" {
                debug!(method, code, ms, "{method} {code} in {ms} ms");
            } else {
                info!(method, code, ms, "{method} {code} in {ms} ms");
            }
        });
    }
}

/// A call whose client is gone before its end.
impl Drop for CallEntry {
    fn drop(&mut self) {
        self.write(Code::Cancelled);
    }
}

/// Body of a response, which ends the call. Its trailers have the status.
struct LoggedBody {
    body: Body,
    entry: CallEntry,
    _stream: Option<GaugeGuard>,
}

impl HttpBody for LoggedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(code) = frame.trailers_ref().and_then(read_code)
        {
            self.entry.write(code);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Returns the name of a code as in the specification.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
