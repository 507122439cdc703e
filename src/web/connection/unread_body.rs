//! Request body that records whether it was read to its end, and whether the client cut it off. An unread body ends the
//! connection (RFC 9112, section 9.3), so the response must say so: the client may send nothing more there.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response};
use hyper::body::{Frame, SizeHint};

use super::half_close::ClientEnd;

/// Whether a body has an unread rest; `None` for a request without body.
pub(super) struct UnreadBody(Option<Arc<BodyState>>);

/// Whether the client closed the connection in the middle of the body.
#[derive(Clone, Debug)]
pub struct ClientReset(Arc<BodyState>);

/// Body that records when its end was read.
struct TrackedBody<B> {
    body: B,
    state: Arc<BodyState>,
    client: Arc<ClientEnd>,
}

#[derive(Debug)]
struct BodyState {
    unread: AtomicBool,
    is_reset: AtomicBool,
}

/// Wraps a body.
pub(super) fn track<B>(body: B, client: Arc<ClientEnd>) -> (Body, UnreadBody)
where
    B: HttpBody<Data = Bytes, Error: Error + Send + Sync> + Send + Unpin + 'static,
{
    if body.is_end_stream() {
        return (Body::empty(), UnreadBody(None));
    }
    let state = Arc::new(BodyState {
        unread: AtomicBool::new(true),
        is_reset: AtomicBool::new(false),
    });
    let tracked = TrackedBody {
        body,
        state: state.clone(),
        client,
    };
    (Body::new(tracked), UnreadBody(Some(state)))
}

impl UnreadBody {
    /// Adds `Connection: close` to the response if the body was not read to its end.
    pub(super) fn add_close_header<B>(&self, response: &mut Response<B>) {
        let state = self.0.as_ref();
        if state.is_some_and(|state| state.unread.load(Ordering::Relaxed)) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
    }

    /// Returns the record of a reset by the client.
    pub(super) fn client_reset(&self) -> Option<ClientReset> {
        self.0.clone().map(ClientReset)
    }
}

impl ClientReset {
    /// Returns whether the client closed or reset the connection before the end of the body.
    pub fn is_set(&self) -> bool {
        self.0.is_reset.load(Ordering::Relaxed)
    }
}

impl<B> HttpBody for TrackedBody<B>
where
    B: HttpBody<Data = Bytes, Error: Error + Send + Sync + 'static> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // Before the body is polled: what arrived before the client closed its side is not lost.
        let is_cut = self.client.cuts_body(context);
        let polled = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending if is_cut => {
                Poll::Ready(Some(Err(io::Error::from(ErrorKind::UnexpectedEof).into())))
            }
            polled => polled.map_err(BoxError::from),
        };
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.state.unread.store(false, Ordering::Relaxed);
        }
        if let Poll::Ready(Some(Err(error))) = &polled
            && is_reset(error.as_ref())
        {
            self.state.is_reset.store(true, Ordering::Relaxed);
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

fn is_reset(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let kind = error.kind();
            return matches!(kind, ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof);
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn ends(unread: &UnreadBody) -> bool {
        let mut response = Response::new(());
        unread.add_close_header(&mut response);
        response.headers().contains_key(CONNECTION)
    }

    #[tokio::test]
    async fn an_unread_body_closes_the_connection() {
        let (_, unread) = track(Body::empty(), Arc::default());
        assert!(!ends(&unread), "there was none");
        let pieces = ["some", "more"].map(Ok::<_, std::convert::Infallible>);
        let pieces = futures_util::stream::iter(pieces);
        let (mut body, unread) = track(Body::from_stream(pieces), Arc::default());
        assert!(ends(&unread), "nothing was read");
        body.frame().await.unwrap().unwrap();
        assert!(ends(&unread), "half of it was read");
        body.collect().await.unwrap();
        assert!(!ends(&unread));
        let (body, unread) = track(Body::from("all at once"), Arc::default());
        body.collect().await.unwrap();
        assert!(!ends(&unread));
    }

    #[tokio::test]
    async fn a_reset_is_told_from_a_malformed_body() {
        for (kind, is_set) in [
            (ErrorKind::ConnectionReset, true),
            (ErrorKind::UnexpectedEof, true),
            (ErrorKind::InvalidData, false),
        ] {
            let pieces = [Ok("some"), Err(io::Error::from(kind))];
            let pieces = futures_util::stream::iter(pieces);
            let (body, unread) = track(Body::from_stream(pieces), Arc::default());
            let reset = unread.client_reset().unwrap();
            assert!(body.collect().await.is_err() && reset.is_set() == is_set);
        }
    }
}
