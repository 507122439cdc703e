//! Limits the requests in flight: further ones get 503 at once, so that a rush neither makes clients wait for long nor
//! exhausts the memory of the process.

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
    /// Lets up to `limit` requests in; `in_flight` shows their number.
    #[must_use]
    pub fn new(limit: usize, in_flight: IntGauge) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))),
            in_flight,
        }
    }
}

/// Middleware around everything that works for a request.
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
