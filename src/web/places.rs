//! Places for requests in work: past their number the answer is 503 at once, so that a rush makes nobody wait for long
//! and the process never grows past its limit.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus::IntGauge;
use tokio::sync::Semaphore;

use super::AppState;
use super::error::Error;

/// So many requests at once, from their head to the head of their answer.
#[derive(Clone, Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    taken: IntGauge,
}

/// Counts a place as taken until it is dropped, also when the client goes away in the middle.
struct Taken<'a>(&'a IntGauge);

impl Places {
    /// So many places; those in use are shown in `taken`.
    #[must_use]
    pub fn new(places: usize, taken: IntGauge) -> Self {
        Self {
            free: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            taken,
        }
    }
}

/// Middleware around everything that works for a request.
pub async fn enter(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let Ok(_place) = app.places.free.try_acquire() else {
        return Error::Busy.into_response();
    };
    app.places.taken.inc();
    let _taken = Taken(&app.places.taken);
    next.run(request).await
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
