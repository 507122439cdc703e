//! Body of a request within the time limit and the memory budget of uploads.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use jornada_http::arrival::ArrivalLimit;
use jornada_http::budget::UploadReservation;

/// Body that fails when it is late or the budget is exhausted.
pub struct BoundedBody {
    body: Body,
    bytes: usize,
    reservation: UploadReservation,
    arrival: ArrivalLimit,
    /// Set while the body is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    busy: Status,
}

impl BoundedBody {
    /// Wraps a body; `busy` is the answer if the budget is exhausted.
    pub fn new(body: Body, reservation: UploadReservation, busy: Status) -> Self {
        Self {
            body,
            bytes: 0,
            reservation,
            arrival: ArrivalLimit::start(Instant::now()),
            timer: None,
            busy,
        }
    }
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            let timer = this
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(this.arrival.deadline())));
            return timer.as_mut().poll(context).map(|()| {
                let late = Status::deadline_exceeded("the message took too long to arrive");
                Some(Err(late.into()))
            });
        };
        if let Some(Ok(frame)) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len);
            this.bytes += length;
            let now = Instant::now();
            this.arrival.add(length, now);
            this.timer = None;
            let has_place = !this.arrival.is_slow(now) || this.reservation.become_slow().is_ok();
            if !has_place || this.reservation.resize(this.bytes).is_err() {
                return Poll::Ready(Some(Err(this.busy.clone().into())));
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
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
    use std::convert::Infallible;

    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;
    use jornada_http::budget::UploadBudget;
    use prometheus::IntGauge;
    use tonic::Code;

    use std::time::Duration;

    use super::*;

    fn bounded(body: Body, budget: u64) -> BoundedBody {
        let in_use = IntGauge::new("in_use", "test").unwrap();
        let reservation = UploadBudget::new(budget, in_use).start_reservation();
        BoundedBody::new(body, reservation, Status::resource_exhausted("busy"))
    }

    async fn read(body: BoundedBody) -> Result<usize, Code> {
        let read = body.collect().await;
        let read = read.map_err(|error| Status::from_error(error).code());
        read.map(|body| body.to_bytes().len())
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_time_and_memory() {
        let body = || Body::from(vec![0; 20_000]);
        assert_eq!(read(bounded(body(), 1 << 20)).await, Ok(20_000));
        let exhausted = read(bounded(body(), 16 * 1024)).await;
        assert_eq!(exhausted, Err(Code::ResourceExhausted));
        let half = stream::iter([Ok::<_, Infallible>("half")]).chain(stream::pending());
        let mut late = bounded(Body::from_stream(half), 1 << 20);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(20)).unwrap();
        late.arrival = ArrivalLimit::start(long_ago);
        let late = read(late).await;
        assert_eq!(late, Err(Code::DeadlineExceeded));
    }
}
