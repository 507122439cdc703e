//! Connections of the public listeners, with the limits that `axum::serve` lacks: time and size of the request head,
//! number of connections. The site speaks HTTP/1, like nginx; gRPC speaks HTTP/2.

mod half_close;
mod limiter;
mod unread_body;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::header::{self, HOST};
use axum::http::{HeaderValue, Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use half_close::{Answering, ClientEnd, HalfCloseStream};
pub use limiter::ConnectionLimiter;
use limiter::{ActiveRequest, ConnectionSlot};
pub use unread_body::ClientReset;

/// Maximum time for a request head, and maximum idle time between two requests. Longer than the keep-alive time of
/// nginx, so that nginx closes idle connections first.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of a request head; a little above the 33 KiB of nginx, so that nginx rejects it first.
const MAX_HEAD_BYTES: usize = 40 * 1024;
/// Maximum number of headers.
const MAX_HEADERS: usize = 100;
/// Buffer per connection. An endless head fills it.
const BUFFER_BYTES: usize = 64 * 1024;
/// Time for a closing connection to start a request that is already on its way.
const GRACE_PERIOD: Duration = Duration::from_secs(1);
/// Pause when only a part of the first word has arrived.
const PEEK_INTERVAL: Duration = Duration::from_millis(10);
/// Pause when no connection can be accepted because too many files are open.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Limits of the HTTP/2 connections of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Http2Limits {
    /// Maximum number of requests of a connection at once.
    pub streams: u32,
    /// Bytes of a request that wait to be read; twice as many of all requests of a connection.
    pub window: u32,
    /// Bytes of a response that wait for the client.
    pub send_buffer: usize,
    /// Maximum size of the headers of a request in bytes.
    pub headers: u32,
    /// Time after which a client is asked whether it is still there, and for its answer.
    pub keep_alive: Duration,
    /// Age at which a connection takes no further requests, so that clients spread over new instances.
    pub age: Duration,
    /// Time for the requests in progress then.
    pub grace: Duration,
}

/// Protocol of a listener.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    /// HTTP/1.
    Http1,
    /// HTTP/2 without TLS, from the first byte.
    Http2(Http2Limits),
    /// Either, as the client begins.
    Either(Http2Limits),
}

/// Accepts connections until `stop`, then waits until every request in progress is answered.
pub async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    site: Router,
    limiter: ConnectionLimiter,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            continue;
        };
        // A response in two writes must not wait for the client to acknowledge the first.
        stream.set_nodelay(true).ok();
        if let Some(seat) = limiter.acquire() {
            let site = site.clone();
            connections.spawn(serve_one(stream, peer, protocol, site, seat, stop.clone()));
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    protocol: Protocol,
    site: Router,
    slot: ConnectionSlot,
    stop: CancellationToken,
) {
    let http2 = match protocol {
        Protocol::Http1 => None,
        Protocol::Http2(limits) => Some(limits),
        Protocol::Either(limits) => begins_with_http2(&stream).await.then_some(limits),
    };
    let client = Arc::new(ClientEnd::default());
    let service = service_fn(|request| {
        // The request begins now, not when its future is first polled: until then hyper may read the end of the client.
        let active = (slot.start_request(), client.start_request());
        handle_request(request, peer, site.clone(), active)
    });
    match http2 {
        None => {
            let stream = TokioIo::new(HalfCloseStream::new(stream, Arc::clone(&client)));
            let connection = http1_builder().serve_connection(stream, service);
            run(connection, &slot, &stop).await;
        }
        Some(limits) => {
            let stream = TokioIo::new(stream);
            let connection = http2_builder(&limits).serve_connection(stream, service);
            let aged = CancellationToken::new();
            let ageing = async {
                tokio::select! {
                    () = tokio::time::sleep(limits.age) => {}
                    () = stop.cancelled() => {}
                }
                aged.cancel();
                tokio::time::sleep(limits.grace).await;
            };
            tokio::select! {
                () = run(connection, &slot, &aged) => {}
                () = ageing => {}
            }
        }
    }
}

/// Returns whether a client begins with the preface of HTTP/2 (RFC 9113, 3.4), whose first word is no method of HTTP/1.
async fn begins_with_http2(stream: &TcpStream) -> bool {
    const FIRST_WORD: &[u8] = b"PRI ";
    let deadline = Instant::now() + HEAD_TIMEOUT;
    let mut first = [0; FIRST_WORD.len()];
    loop {
        let Ok(Ok(count)) = timeout_at(deadline, stream.peek(&mut first)).await else {
            return false;
        };
        if count == FIRST_WORD.len() || count == 0 || !FIRST_WORD.starts_with(&first[..count]) {
            return first == FIRST_WORD;
        }
        // Peeked bytes stay readable, so the socket does not signal further ones: wait for a moment.
        tokio::time::sleep(PEEK_INTERVAL).await;
    }
}

/// Runs a connection until it ends, its slot is needed, or `stop`; the requests in progress are answered.
async fn run(connection: impl GracefulConnection, slot: &ConnectionSlot, stop: &CancellationToken) {
    let mut connection = pin!(connection);
    tokio::select! {
        // Connection errors concern only the client.
        _ = connection.as_mut() => return,
        () = slot.evicted() => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    loop {
        let ended = tokio::time::timeout(GRACE_PERIOD, connection.as_mut()).await;
        if ended.is_ok() || !slot.is_active() {
            return;
        }
    }
}

fn http2_builder(limits: &Http2Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(limits.window)
        // hyper ends a connection on which many small frames wait, and allows more with a larger window: a stream of votes
        // fills its window with small ones. What waits in all is bounded by the streams and calls that are admitted.
        .initial_connection_window_size(16 * limits.window)
        .max_send_buf_size(limits.send_buffer)
        .max_header_list_size(limits.headers)
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.keep_alive);
    builder
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES);
    builder
}

async fn handle_request(
    request: Request<Incoming>,
    peer: SocketAddr,
    site: Router,
    (active, answering): (ActiveRequest, Answering),
) -> Result<Response<impl HttpBody<Data = Bytes, Error = axum::Error> + use<>>, Infallible> {
    let is_http2 = request.version() == Version::HTTP_2;
    let (mut head, body) = request.into_parts();
    if is_http2 && let Some(host) = head.uri.authority() {
        // The site finds the host where HTTP/1 has it.
        let host = HeaderValue::from_str(host.as_str());
        let host = host.unwrap_or(HeaderValue::from_static(""));
        head.headers.entry(HOST).or_insert(host);
    }
    let (body, unread) = unread_body::track(body, answering.client());
    let mut request = Request::from_parts(head, body);
    request.extensions_mut().insert(ConnectInfo(peer));
    if let Some(reset) = unread.client_reset() {
        request.extensions_mut().insert(reset);
    }
    let mut response = site.oneshot(request).await?;
    if !is_http2 {
        unread.add_close_header(&mut response);
    }
    if is_endless(&response) {
        answering.release();
    }
    // The closure owns the markers: the connection is active until the body is written.
    Ok(response.map(|body| {
        body.map_err(move |error| {
            let _ = (&active, &answering);
            error
        })
    }))
}

/// Returns whether the response is a stream of events, which ends with the client alone.
fn is_endless<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
