//! Places for requests in work: past their number the answer is 503 at once, so that a rush makes nobody wait for long
//! and the process never grows past its limit.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
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
        return busy(request.body());
    };
    app.places.taken.inc();
    let _taken = Taken(&app.places.taken);
    next.run(request).await
}

/// The connection ends with a body that nobody reads: who sent it shall know, and send nothing more there.
fn busy(unread: &Body) -> Response {
    let mut response = Error::Busy.into_response();
    if !unread.is_end_stream() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
