//! Limits the requests in flight: above the limit the response is 503 at once, so that a rush causes neither long
//! queues nor memory exhaustion.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Error;
use jornada_runtime::metrics::GaugeGuard;

/// Limit of requests in flight, from the head of a request to the head of its response and the end of its work.
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

    /// Returns a slot for a request, or `None` above the limit.
    pub fn acquire(&self) -> Option<RequestSlot> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        let place = (permit, GaugeGuard::new(&self.in_flight));
        Some(RequestSlot {
            _place: Arc::new(place),
        })
    }
}

/// The place of a request that writes among those in flight. Freed with its last clone.
#[derive(Clone, Debug)]
pub struct RequestSlot {
    _place: Arc<(OwnedSemaphorePermit, GaugeGuard)>,
}

/// Middleware: rejects requests above the limit. A request is in flight until it is dropped, also when the client
/// disconnects, and until its work is done. One that writes carries its slot as an extension.
pub async fn limit_in_flight(
    State(limit): State<InFlightLimit>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let slot = limit.acquire().ok_or(Error::Busy)?;
    if !request.method().is_safe() {
        request.extensions_mut().insert(slot.clone());
    }
    let response = next.run(request).await;
    drop(slot);
    Ok(response)
}
