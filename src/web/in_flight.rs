//! Limits the requests in flight: above the limit the response is 503 at once, so that a rush causes neither long
//! queues nor memory exhaustion.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus::IntGauge;
use tokio::sync::Semaphore;

use super::error::Error;

/// Limit of requests in flight, from the head of a request to the head of its response.
#[derive(Clone, Debug)]
pub struct InFlightLimit {
    free: Arc<Semaphore>,
    in_flight: IntGauge,
}

/// Counts a request as in flight until it is dropped, also when the client disconnects.
struct InFlightGuard<'a>(&'a IntGauge);

impl InFlightLimit {
    /// Creates a limit of `limit` requests; `in_flight` shows the current number.
    #[must_use]
    pub fn new(limit: usize, in_flight: IntGauge) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))),
            in_flight,
        }
    }
}

/// Middleware: rejects requests above the limit.
pub async fn limit_in_flight(
    State(limit): State<InFlightLimit>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_permit) = limit.free.try_acquire() else {
        return Error::Busy.into_response();
    };
    let gauge = &limit.in_flight;
    gauge.inc();
    let _guard = InFlightGuard(gauge);
    next.run(request).await
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
