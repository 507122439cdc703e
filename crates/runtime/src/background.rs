//! Loops of background tasks.

use std::fmt::Display;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A loop that pauses after each step and ends at a stop token:
/// `while polling.attempt("cannot poll", step()).await {}`.
#[derive(Debug)]
pub struct PeriodicLoop<'a> {
    period: Duration,
    stop: &'a CancellationToken,
    is_failing: bool,
}

/// Creates a loop with a pause of `period` after each step.
#[must_use]
pub fn every(period: Duration, stop: &CancellationToken) -> PeriodicLoop<'_> {
    PeriodicLoop {
        period,
        stop,
        is_failing: false,
    }
}

impl PeriodicLoop<'_> {
    /// Runs a step, which the stop token cancels, and pauses. Logs the first of several failures, as `failure`, and the
    /// recovery. Returns whether to go on.
    pub async fn attempt<E: Display>(
        &mut self,
        failure: &str,
        step: impl Future<Output = Result<(), E>>,
    ) -> bool {
        if let Some(result) = self.stop.run_until_cancelled(Box::pin(step)).await {
            self.log_change(failure, &result);
        }
        self.pause().await
    }

    /// Like [`attempt`](Self::attempt), but lets the step finish.
    pub async fn attempt_uncancelled<E: Display>(
        &mut self,
        failure: &str,
        step: impl Future<Output = Result<(), E>>,
    ) -> bool {
        let result = Box::pin(step).await;
        self.log_change(failure, &result);
        self.pause().await
    }

    /// Like [`attempt`](Self::attempt), for a step that logs its failures itself.
    pub async fn run<T>(&mut self, step: impl Future<Output = T>) -> bool {
        self.stop.run_until_cancelled(Box::pin(step)).await;
        self.pause().await
    }

    async fn pause(&self) -> bool {
        let pause = tokio::time::sleep(self.period);
        self.stop.run_until_cancelled(pause).await.is_some()
    }

    fn log_change<E: Display>(&mut self, failure: &str, result: &Result<(), E>) {
        match result {
            Err(error) if !self.is_failing => warn!("{failure}, retrying: {error:#}"),
            Ok(()) if self.is_failing => info!("{failure}: resolved"),
            _ => {}
        }
        self.is_failing = result.is_err();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const PERIOD: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_loop_goes_on_after_a_failure_until_the_stop_cancels_a_step() {
        let stop = CancellationToken::new();
        let mut polling = every(PERIOD, &stop);
        assert!(polling.attempt("cannot poll", ready(Err("down"))).await);
        assert!(polling.is_failing);
        assert!(
            polling
                .attempt("cannot poll", ready(Ok::<_, String>(())))
                .await
        );
        assert!(!polling.is_failing);
        let hanging = polling.attempt("cannot poll", pending::<Result<(), String>>());
        let (goes_on, ()) = tokio::join!(hanging, async { stop.cancel() });
        assert!(!goes_on);
    }

    #[tokio::test]
    async fn an_uncancelled_step_finishes() {
        let stop = CancellationToken::new();
        let mut is_done = false;
        let work = async {
            stop.cancel();
            tokio::time::sleep(PERIOD).await;
            is_done = true;
            Ok::<_, String>(())
        };
        assert!(
            !every(PERIOD, &stop)
                .attempt_uncancelled("cannot poll", work)
                .await
        );
        assert!(is_done);
    }
}
