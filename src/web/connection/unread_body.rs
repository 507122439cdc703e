//! Request body that records whether it was read to its end. An unread body ends the connection (RFC 9112, section
//! 9.3), so the response must say so: the client may send nothing more there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response};
use hyper::body::{Frame, SizeHint};

/// Whether a body has an unread rest; `None` for a request without body.
pub(super) struct UnreadBody(Option<Arc<AtomicBool>>);

/// Body that records when its end was read.
struct TrackedBody<B> {
    body: B,
    unread: Arc<AtomicBool>,
}

/// Wraps a body.
pub(super) fn track<B>(body: B) -> (Body, UnreadBody)
where
    B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static,
{
    if body.is_end_stream() {
        return (Body::empty(), UnreadBody(None));
    }
    let unread = Arc::new(AtomicBool::new(true));
    let tracked = TrackedBody {
        body,
        unread: unread.clone(),
    };
    (Body::new(tracked), UnreadBody(Some(unread)))
}

impl UnreadBody {
    /// Adds `Connection: close` to the response if the body was not read to its end.
    pub(super) fn add_close_header<B>(&self, response: &mut Response<B>) {
        let unread = self.0.as_ref();
        if unread.is_some_and(|unread| unread.load(Ordering::Relaxed)) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for TrackedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.unread.store(false, Ordering::Relaxed);
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
        let (_, unread) = track(Body::empty());
        assert!(!ends(&unread), "there was none");
        let pieces = ["some", "more"].map(Ok::<_, std::convert::Infallible>);
        let pieces = futures_util::stream::iter(pieces);
        let (mut body, unread) = track(Body::from_stream(pieces));
        assert!(ends(&unread), "nothing was read");
        body.frame().await.unwrap().unwrap();
        assert!(ends(&unread), "half of it was read");
        body.collect().await.unwrap();
        assert!(!ends(&unread));
        let (body, unread) = track(Body::from("all at once"));
        body.collect().await.unwrap();
        assert!(!ends(&unread));
    }
}
