//! Log lines to Loki, through tracing-loki, in batches of our own.
//!
//! tracing-loki 0.2.7 alone does not cope with a failing Loki. Its background task moves lines from a bounded channel
//! into an unbounded queue, puts a rejected batch (even one rejected with 400) back into the queue, drops lines
//! uncounted while the channel is full, and waits for a response without a timeout. The queue is private, but it fills
//! only while the task is polled. Therefore each batch has its own layer, channel and task. [`BatchLayer`] lets up to
//! 500 lines into the channel while the task is not polled. Then it switches to the next batch, and the task runs to
//! its end, which is one push, within a timeout. Up to four pushes run at once, so memory holds up to 2,500 lines
//! whatever Loki does, and each line is either accepted or counted as dropped. A failed batch is not sent again: its
//! lines are on standard output. The cost is one connection per batch.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::{JoinSet, unconstrained};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::instrument::WithSubscriber;
use tracing::warn;
use tracing_loki::url::Url;
use tracing_loki::{BackgroundTask, BackgroundTaskController, Builder};

use super::DroppedLines;
use super::batch_layer::BatchLayer;
use super::push_errors::PushErrorListener;

/// Maximum time for which a line waits in an open batch.
const BATCH_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout of one push. A Loki that takes 10 s is slow, not unavailable.
const PUSH_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum number of concurrent pushes; one while Loki fails.
const MAX_PUSHES: usize = 4;
/// Maximum delay after consecutive failures; the first delay is [`BATCH_INTERVAL`].
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// Task that creates batches and pushes them.
pub(super) struct Pusher {
    target: PushTarget,
    layer: BatchLayer,
    open: Push,
    dropped: DroppedLines,
    /// When the open batch is pushed even if it is not full.
    due_at: Instant,
    /// No push before this time; set after a failure.
    not_before: Instant,
    failures: u32,
    drop_report: DropReport,
}

/// Settings from which each batch is created.
struct PushTarget {
    builder: Builder,
    url: Url,
}

/// Sending side of one batch. Holds the sender of the channel: without it, the task of tracing-loki would spin.
struct Push {
    task: BackgroundTask,
    controller: BackgroundTaskController,
}

/// State of the reports about dropped lines.
struct DropReport {
    /// Dropped lines at the last check, and since when the number is unchanged.
    last_count: u64,
    since: Instant,
    /// Dropped lines already reported.
    reported: u64,
    /// Whether the current failure was reported.
    failure_reported: bool,
}

/// Outcome of a push: number of lines, and the error if it failed.
type PushOutcome = (usize, Option<String>);

/// Creates the layer and the task that must run beside it.
pub(super) fn create(
    url: &SecretString,
    service: &str,
    instance: &str,
    dropped: &DroppedLines,
) -> anyhow::Result<(BatchLayer, Pusher)> {
    let target = PushTarget {
        builder: tracing_loki::builder()
            .label("service", service)?
            .label("instance", instance)?,
        url: Url::parse(url.expose_secret())?,
    };
    let (layer, open) = target.new_batch()?;
    let batch_layer = BatchLayer::new(layer, dropped.clone());
    let now = Instant::now();
    let pusher = Pusher {
        target,
        layer: batch_layer.clone(),
        open,
        dropped: dropped.clone(),
        due_at: now + BATCH_INTERVAL,
        not_before: now,
        failures: 0,
        drop_report: DropReport {
            last_count: 0,
            since: now,
            reported: 0,
            failure_reported: false,
        },
    };
    Ok((batch_layer, pusher))
}

impl PushTarget {
    fn new_batch(&self) -> Result<(tracing_loki::Layer, Push), tracing_loki::Error> {
        let builder = self.builder.clone();
        let (layer, controller, task) = builder.build_controller_url(self.url.clone())?;
        Ok((layer, Push { task, controller }))
    }
}

impl Push {
    /// Sends the lines in the channel in one push.
    async fn run(self, lines: usize) -> PushOutcome {
        let listener = PushErrorListener::default();
        let Self { task, controller } = self;
        // Under the budget of tokio the task would take 128 lines at a time, so a batch would take several pushes.
        let task = unconstrained(task);
        let sent = async { tokio::join!(task, controller.shutdown()) };
        let sent = timeout(PUSH_TIMEOUT, sent.with_subscriber(listener.clone())).await;
        let cause = match sent {
            Ok(_) => listener.take_error(),
            Err(_) => Some(format!("no answer within {} s", PUSH_TIMEOUT.as_secs())),
        };
        (lines, cause)
    }
}

impl Pusher {
    /// Pushes batches until `stop`, then the rest.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut pushes = JoinSet::new();
        loop {
            let running = pushes.len();
            tokio::select! {
                Some(ended) = pushes.join_next() => self.record(ended.ok()),
                () = self.wait_until_due(running) => self.push(&mut pushes),
                () = stop.cancelled() => break,
            }
        }
        self.push(&mut pushes);
        while let Some(ended) = pushes.join_next().await {
            self.record(ended.ok());
        }
    }

    /// Waits until a push is due. Cancel safe: all state is stored outside. Borrows mutably because the task of
    /// tracing-loki is `Send` but not `Sync`.
    async fn wait_until_due(&mut self, running: usize) {
        let most = if self.failures == 0 { MAX_PUSHES } else { 1 };
        if running >= most {
            return std::future::pending().await;
        }
        sleep_until(self.not_before).await;
        tokio::select! {
            () = self.layer.wait_until_full() => {}
            () = sleep_until(self.due_at) => {}
        }
    }

    fn push(&mut self, pushes: &mut JoinSet<PushOutcome>) {
        let now = Instant::now();
        self.due_at = now + BATCH_INTERVAL;
        self.report_drops(now);
        if self.layer.line_count() == 0 {
            return;
        }
        // Cannot fail: the first batch was created from the same settings.
        if let Ok((layer, next)) = self.target.new_batch() {
            let lines = self.layer.replace_batch(layer);
            let push = std::mem::replace(&mut self.open, next);
            pushes.spawn(push.run(lines));
        }
    }

    fn record(&mut self, ended: Option<PushOutcome>) {
        let Some((lines, cause)) = ended else { return };
        let Some(cause) = cause else {
            self.failures = 0;
            return;
        };
        self.dropped.loki_failed.inc_by(lines as u64);
        let now = Instant::now();
        // Concurrent pushes that fail together count as one failure.
        if now >= self.not_before {
            let pause = BATCH_INTERVAL * 2_u32.saturating_pow(self.failures);
            self.not_before = now + pause.min(MAX_RETRY_DELAY);
            self.failures = self.failures.saturating_add(1);
        }
        if !std::mem::replace(&mut self.drop_report.failure_reported, true) {
            warn!("Loki rejects log lines, dropping them there: {cause}");
        }
    }

    /// Logs the number of dropped lines once, after pushes succeed again and no line was dropped for a while.
    fn report_drops(&mut self, now: Instant) {
        let (report, all) = (&mut self.drop_report, self.dropped.count_missing_in_loki());
        if all != report.last_count || self.failures > 0 {
            (report.last_count, report.since) = (all, now);
            return;
        }
        let left_out = all - report.reported;
        if left_out > 0 && now >= report.since + BATCH_INTERVAL {
            (report.reported, report.failure_reported) = (all, false);
            warn!(
                left_out,
                "Loki accepts log lines again; {left_out} were dropped"
            );
        }
    }
}
