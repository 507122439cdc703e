//! Connections of the public listener. `axum::serve` sets none of the bounds that hold off a hostile client: how long a
//! head may take, how large it may be, how many connections there are. Only HTTP/1 is spoken, which nginx speaks.

mod arriving;
mod crowd;
mod metrics;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

pub use crowd::Crowd;
use crowd::{Seat, Working};
pub use metrics::ConnectionMetrics;

/// Longest time for the head of a request, and longest rest between two requests. Above the rest after which nginx
/// closes a connection itself, so that none ends under a request.
const HEAD_ARRIVAL: Duration = Duration::from_secs(30);
/// Largest head; a little above the 33 KiB that nginx takes, so that nginx is the one to refuse.
const MAX_HEAD_BYTES: usize = 40 * 1024;
/// Most headers.
const MAX_HEADERS: usize = 100;
/// What one connection holds of what it reads or writes; a head that never ends fills it.
const BUFFER_BYTES: usize = 64 * 1024;
/// For how long a connection that shall end may take to begin a request that is on its way.
const GRACE: Duration = Duration::from_secs(1);
/// Rest when no connection can be accepted: too many files are open.
const NO_FILES: Duration = Duration::from_millis(100);

/// Serves until `stop`, and then until every request in work is answered.
pub async fn serve(listener: TcpListener, site: Router, crowd: Crowd, stop: CancellationToken) {
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(NO_FILES).await;
            continue;
        };
        // An answer in two writes shall not wait for the client to acknowledge the first.
        stream.set_nodelay(true).ok();
        if let Some(seat) = crowd.enter() {
            connections.spawn(keep(stream, peer, site.clone(), seat, stop.clone()));
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn keep(
    stream: TcpStream,
    peer: SocketAddr,
    site: Router,
    seat: Seat,
    stop: CancellationToken,
) {
    let service = service_fn(|request| answer(request, peer, site.clone(), seat.work()));
    let mut connection = pin!(bounds().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // Whoever broke it off knows why.
        _ = connection.as_mut() => return,
        () = seat.asked_to_leave() => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    loop {
        let ended = tokio::time::timeout(GRACE, connection.as_mut()).await;
        if ended.is_ok() || !seat.is_working() {
            return;
        }
    }
}

fn bounds() -> Builder {
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_ARRIVAL)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES);
    builder
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    site: Router,
    working: Working,
) -> Result<Response<Worked>, Infallible> {
    let (head, body) = request.into_parts();
    let (body, unread) = arriving::watch(body);
    let mut request = Request::from_parts(head, body);
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut response = site.oneshot(request).await?;
    unread.tell(&mut response);
    Ok(response.map(|body| Worked {
        body,
        _working: working,
    }))
}

/// The body of an answer; until it is written its connection is at work.
struct Worked {
    body: Body,
    _working: Working,
}

impl hyper::body::Body for Worked {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
