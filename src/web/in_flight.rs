//! Limits the requests in flight: above the limit the response is 503 at once, so that a rush causes neither long
//! queues nor memory exhaustion.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::IntGauge;
use tokio::sync::Semaphore;

use super::error::Error;
use jornada_runtime::metrics::GaugeGuard;

/// Limit of requests in flight, from the head of a request to the head of its response.
#[derive(Clone, Debug)]
pub struct InFlightLimit {
    free: Arc<Semaphore>,
    in_flight: IntGauge,
}

impl InFlightLimit {
    /// Creates a limit of `limit` requests; `in_flight` shows the current number.
    pub fn new(limit: usize, in_flight: IntGauge) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))),
            in_flight,
        }
    }
}

/// Middleware: rejects requests above the limit. A request is in flight until it is dropped, also when the client
/// disconnects.
pub async fn limit_in_flight(
    State(limit): State<InFlightLimit>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let _permit = limit.free.try_acquire().map_err(|_| Error::Busy)?;
    let _guard = GaugeGuard::new(&limit.in_flight);
    Ok(next.run(request).await)
}
