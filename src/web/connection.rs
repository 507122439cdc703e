//! Connections of the public listener, with the limits that `axum::serve` lacks: time and size of the request head,
//! number of connections. Only HTTP/1 is supported, which is what nginx speaks.

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
use axum::http::{Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
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
/// Pause when no connection can be accepted because too many files are open.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Accepts connections until `stop`, then waits until every request in progress is answered.
pub async fn serve(
    listener: TcpListener,
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
            connections.spawn(serve_one(stream, peer, site.clone(), seat, stop.clone()));
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    site: Router,
    slot: ConnectionSlot,
    stop: CancellationToken,
) {
    let client = Arc::new(ClientEnd::default());
    let stream = TokioIo::new(HalfCloseStream::new(stream, Arc::clone(&client)));
    let service = service_fn(|request| {
        // The request begins now, not when its future is first polled: until then hyper may read the end of the client.
        let active = (slot.start_request(), client.start_request());
        handle_request(request, peer, site.clone(), active)
    });
    let mut connection = pin!(http_builder().serve_connection(stream, service));
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

fn http_builder() -> Builder {
    let mut builder = Builder::new();
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
    let (head, body) = request.into_parts();
    let (body, unread) = unread_body::track(body, answering.client());
    let mut request = Request::from_parts(head, body);
    request.extensions_mut().insert(ConnectInfo(peer));
    if let Some(reset) = unread.client_reset() {
        request.extensions_mut().insert(reset);
    }
    let mut response = site.oneshot(request).await?;
    unread.add_close_header(&mut response);
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
