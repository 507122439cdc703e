//! Work of requests that write. It runs to its end although the client hangs up: nothing stays half done, and hanging
//! up avoids no limit.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::AppState;
use super::error::panicked;
use super::in_flight::RequestSlot;
use super::request_log::LogEntry;

/// What the work of a request holds until its end. Extractor for handlers that write.
#[derive(Debug)]
pub struct WriteTask {
    tasks: TaskTracker,
    slot: Option<RequestSlot>,
    entry: Option<LogEntry>,
}

impl WriteTask {
    /// Takes the parts from a request.
    pub fn new(app: &AppState, request: &Extensions) -> Self {
        Self {
            tasks: app.writes.clone(),
            slot: request.get().cloned(),
            entry: request.get().cloned(),
        }
    }

    /// Logs the success of the request at debug level only: votes come by the thousand.
    #[must_use]
    pub fn with_frequent_success(self) -> Self {
        if let Some(entry) = &self.entry {
            entry.mark_frequent();
        }
        self
    }

    /// Runs `work` to its end, also if this future is dropped. Call it after the body was read to its end: what a
    /// client did not send completely must have no effect. A panic becomes a response (500).
    pub async fn run(self, work: impl Future<Output: IntoResponse> + Send + 'static) -> Response {
        let Self { tasks, slot, entry } = self;
        let work = async move {
            let done = AssertUnwindSafe(work).catch_unwind().await;
            let response = done.map_or_else(panicked, IntoResponse::into_response);
            if let Some(entry) = entry {
                entry.set_outcome(response.status());
            }
            drop(slot);
            response
        };
        run_to_end(&tasks, work).await
    }
}

/// Runs `work` in the task of the caller, which costs no further task. If the returned future is dropped, it goes on in a
/// task of its own.
pub fn run_to_end<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send {
    Uninterrupted {
        work: Some(work.boxed()),
        tasks: tasks.clone(),
        runtime: Handle::current(),
        span: Span::current(),
    }
}

impl FromRequestParts<AppState> for WriteTask {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        Ok(Self::new(app, &parts.extensions))
    }
}

struct Uninterrupted<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    tasks: TaskTracker,
    runtime: Handle,
    span: Span,
}

impl<T: Send + 'static> Future for Uninterrupted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let polled = work.poll_unpin(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Uninterrupted<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let work = work.instrument(self.span.clone());
            self.tasks.spawn_on(work, &self.runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    fn task(tasks: &TaskTracker) -> WriteTask {
        WriteTask {
            tasks: tasks.clone(),
            slot: None,
            entry: None,
        }
    }

    #[tokio::test]
    async fn work_goes_on_after_its_request_is_dropped() {
        let (tasks, (start, started)) = (TaskTracker::new(), oneshot::channel());
        let (end, ended) = oneshot::channel();
        let work = async move {
            started.await.unwrap();
            end.send(()).unwrap();
        };
        let request = task(&tasks).run(work);
        assert!(timeout(Duration::ZERO, request).await.is_err());
        start.send(()).unwrap();
        ended.await.unwrap();
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_is_not_repeated() {
        let tasks = TaskTracker::new();
        let work = async {
            tokio::task::yield_now().await;
            assert!(tokio::task::try_id().is_none(), "as intended");
        };
        let answer = tokio::spawn(task(&tasks).run(work)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(tasks.is_empty());
    }
}
