//! Log lines to Loki, through tracing-loki in batches of our own making.
//!
//! tracing-loki 0.2.7 must not be left alone with a Loki that fails: its background task takes every line out of a
//! bounded channel into a queue that is not, puts a batch that was refused (even by 400) back into it, loses what finds
//! the channel full without a count, and waits for an answer without limit. Its queue cannot be reached from outside,
//! but it fills only while the task is polled. So each batch has a layer, a channel and a task of its own: the
//! [`Gate`] lets at most 500 lines into the channel while nobody polls the task; then the gate turns to the next
//! batch, and the task runs to its end, which is one push, within a time limit. At most four run at once, so at most
//! 2,500 lines are in memory whatever Loki does, and each line is either in a push that was taken or counted. A batch
//! that failed is not sent again: its lines are on standard output. The price is a connection a batch.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::{JoinSet, unconstrained};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::instrument::WithSubscriber;
use tracing::warn;
use tracing_loki::url::Url;
use tracing_loki::{BackgroundTask, BackgroundTaskController, Builder};

use super::Dropped;
use super::ear::Ear;
use super::gate::Gate;

/// Longest time that a line waits for company.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest time for one push. A Loki that takes 10 s over an answer is slow, not away.
const PUSH: Duration = Duration::from_secs(15);
/// Pushes at once; one while Loki fails.
const PUSHES: usize = 4;
/// Longest pause after failures in a row; the first is [`PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Makes batches and pushes them.
pub(super) struct Pusher {
    source: Source,
    gate: Gate,
    open: Push,
    dropped: Dropped,
    /// When the open batch is due, full or not.
    due: Instant,
    /// Nothing is sent before; moved by a failure.
    not_before: Instant,
    failures: u32,
    account: Account,
}

/// From which each batch is made.
struct Source {
    builder: Builder,
    url: Url,
}

/// The sending side of one batch. It holds on to the channel's sender: without one, tracing-loki's task would spin.
struct Push {
    task: BackgroundTask,
    controller: BackgroundTaskController,
}

/// What is known of the lines that were left out.
struct Account {
    /// Left out when last looked, and since when it is so many.
    seen: u64,
    since: Instant,
    /// Left out and told.
    told: u64,
    /// Whether the failure that lasts was told.
    is_failing: bool,
}

/// How a push ended: its lines, and why they were not taken.
type Ended = (usize, Option<String>);

/// The layer, and the task that must run beside it.
pub(super) fn open(
    url: &SecretString,
    service: &str,
    instance: &str,
    dropped: &Dropped,
) -> anyhow::Result<(Gate, Pusher)> {
    let source = Source {
        builder: tracing_loki::builder()
            .label("service", service)?
            .label("instance", instance)?,
        url: Url::parse(url.expose_secret())?,
    };
    let (layer, open) = source.batch()?;
    let gate = Gate::new(layer, dropped.clone());
    let now = Instant::now();
    let pusher = Pusher {
        source,
        gate: gate.clone(),
        open,
        dropped: dropped.clone(),
        due: now + PAUSE,
        not_before: now,
        failures: 0,
        account: Account {
            seen: 0,
            since: now,
            told: 0,
            is_failing: false,
        },
    };
    Ok((gate, pusher))
}

impl Source {
    fn batch(&self) -> Result<(tracing_loki::Layer, Push), tracing_loki::Error> {
        let builder = self.builder.clone();
        let (layer, controller, task) = builder.build_controller_url(self.url.clone())?;
        Ok((layer, Push { task, controller }))
    }
}

impl Push {
    /// Sends what is in the channel, once.
    async fn run(self, lines: usize) -> Ended {
        let ear = Ear::default();
        let Self { task, controller } = self;
        // Under tokio's budget it would take 128 lines at a time, and a batch would be several pushes.
        let task = unconstrained(task);
        let sent = async { tokio::join!(task, controller.shutdown()) };
        let sent = timeout(PUSH, sent.with_subscriber(ear.clone())).await;
        let cause = match sent {
            Ok(_) => ear.heard(),
            Err(_) => Some(format!("no answer within {} s", PUSH.as_secs())),
        };
        (lines, cause)
    }
}

impl Pusher {
    /// Pushes until it is told to stop, and then the rest.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut pushes = JoinSet::new();
        loop {
            let running = pushes.len();
            tokio::select! {
                Some(ended) = pushes.join_next() => self.note(ended.ok()),
                () = self.is_due(running) => self.push(&mut pushes),
                () = stop.cancelled() => break,
            }
        }
        self.push(&mut pushes);
        while let Some(ended) = pushes.join_next().await {
            self.note(ended.ok());
        }
    }

    /// Waits for the moment to push. May be dropped at any time: what it waits for is kept outside. Borrows mutably since
    /// tracing-loki's task can be sent between threads, but not shared.
    async fn is_due(&mut self, running: usize) {
        let most = if self.failures == 0 { PUSHES } else { 1 };
        if running >= most {
            return std::future::pending().await;
        }
        sleep_until(self.not_before).await;
        tokio::select! {
            () = self.gate.full() => {}
            () = sleep_until(self.due) => {}
        }
    }

    fn push(&mut self, pushes: &mut JoinSet<Ended>) {
        let now = Instant::now();
        self.due = now + PAUSE;
        self.tell_if_over(now);
        if self.gate.lines() == 0 {
            return;
        }
        // The first batch was made of the same, so this one can be made too.
        if let Ok((layer, next)) = self.source.batch() {
            let lines = self.gate.change(layer);
            let push = std::mem::replace(&mut self.open, next);
            pushes.spawn(push.run(lines));
        }
    }

    fn note(&mut self, ended: Option<Ended>) {
        let Some((lines, cause)) = ended else { return };
        let Some(cause) = cause else {
            self.failures = 0;
            return;
        };
        self.dropped.loki_failed.inc_by(lines as u64);
        let now = Instant::now();
        // Pushes that ran together and failed together are one failure.
        if now >= self.not_before {
            let pause = PAUSE * 2_u32.saturating_pow(self.failures);
            self.not_before = now + pause.min(LONGEST_PAUSE);
            self.failures = self.failures.saturating_add(1);
        }
        if !std::mem::replace(&mut self.account.is_failing, true) {
            warn!("Loki does not take log lines, which are left out there: {cause}");
        }
    }

    /// Tells once how many lines were left out, when pushes are taken and for a while none was left out.
    fn tell_if_over(&mut self, now: Instant) {
        let (account, all) = (&mut self.account, self.dropped.not_in_loki());
        if all != account.seen || self.failures > 0 {
            (account.seen, account.since) = (all, now);
            return;
        }
        let left_out = all - account.told;
        if left_out > 0 && now >= account.since + PAUSE {
            (account.told, account.is_failing) = (all, false);
            warn!(
                left_out,
                "Loki takes log lines again; {left_out} were left out"
            );
        }
    }
}
