//! Group commit of registrations or votes: inserts everything that waits as one batch. An instance with little to do writes a batch of one at once.
//! While several submissions are in progress, batches keep a short interval, so that they hold several records: a
//! transaction costs the database far more than each further record in it.

pub mod metrics;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::error;

use jornada_runtime::metrics::gauge_value;
use jornada_store::{
    InsertOutcome, MAX_BATCH_BYTES, MAX_BATCH_RECORDS, NewRecord, OPERATION_TIMEOUT, Store,
    StoreError,
};
use metrics::BatchMetrics;

/// Maximum number of waiting registrations.
pub const MAX_WAITING_REGISTRATIONS: usize = 4 * MAX_BATCH_RECORDS;

/// Maximum number of waiting votes, which are smaller.
pub const MAX_WAITING_VOTES: usize = 40 * MAX_BATCH_RECORDS;

/// Maximum size of the waiting records in bytes, by [`NewRecord::size`].
const MAX_WAITING_BYTES: usize = 4 * MAX_BATCH_BYTES;

/// Time for which a person waits for a record: longer than an election of a primary, and shorter than the 5 s after which
/// nginx sends the request to the next instance.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(4500);

/// Maximum number of batches in flight.
const MAX_IN_FLIGHT: usize = 2;

/// Shortest time between the starts of two batches while many submissions are in progress. A longer one saves little
/// more: see `docs/performance.md`.
const BATCH_INTERVAL: Duration = Duration::from_millis(30);

/// Submissions in progress from which on batches keep the interval.
const MANY_IN_PROGRESS: usize = 4;

/// Inserts records of one kind in batches, first in, first out. Cheap to clone: clones share the queue.
#[derive(Clone, Debug)]
pub struct Batcher<R>(Arc<Shared<R>>);

/// A record that was not inserted.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Too many records wait. Retry later.
    #[error("too many records wait for the store")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug)]
struct Shared<R> {
    store: Store,
    metrics: BatchMetrics,
    max_waiting: usize,
    queue: Mutex<Queue<R>>,
    in_progress: AtomicUsize,
    tasks: TaskTracker,
}

/// A submission that is expected to insert a record soon. Dropped when it does, or fails before.
#[derive(Debug)]
#[must_use]
pub struct SubmissionInProgress<R>(Batcher<R>);

impl<R> Drop for SubmissionInProgress<R> {
    fn drop(&mut self) {
        self.0.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Queue<R> {
    waiting: VecDeque<WaitingGroup<R>>,
    records: usize,
    bytes: usize,
    /// Number of writers. Each writes one batch after the other and ends when nothing waits.
    writers: usize,
    /// When the last batch was started.
    last_start: Option<Instant>,
}

/// Records that are written in one batch and answered together.
#[derive(Debug)]
struct WaitingGroup<R> {
    records: Vec<R>,
    bytes: usize,
    since: Instant,
    outcomes: oneshot::Sender<Outcomes>,
}

type Outcomes = Vec<Result<InsertOutcome, StoreError>>;

/// Receives the outcomes of a number of records.
type PendingOutcomes = (usize, oneshot::Receiver<Outcomes>);

impl<R: NewRecord> Batcher<R> {
    /// Creates a batcher for `store`, in which up to `max_waiting` records wait.
    pub fn new(store: Store, metrics: BatchMetrics, max_waiting: usize) -> Self {
        Self(Arc::new(Shared {
            store,
            metrics,
            max_waiting,
            queue: Mutex::default(),
            in_progress: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
        }))
    }

    /// Announces a submission, for which the next batch waits shortly if there are several.
    pub fn announce(&self) -> SubmissionInProgress<R> {
        self.0.in_progress.fetch_add(1, Ordering::Relaxed);
        SubmissionInProgress(self.clone())
    }

    /// Inserts a record with the next batch, and waits up to 4.5 s. If the caller stops waiting, it is inserted
    /// all the same.
    pub async fn insert(&self, record: R) -> Result<InsertOutcome, BatchError> {
        let outcomes = timeout(ANSWER_TIMEOUT, self.insert_all(vec![record])).await;
        let outcome = outcomes.ok().and_then(|mut outcomes| outcomes.pop());
        outcome.unwrap_or_else(|| Err(unknown_outcome()))
    }

    /// Inserts records with the next batches, and returns an outcome for each in the same order. All or none are
    /// rejected because too many wait. If the caller stops waiting, they are inserted all the same.
    pub async fn insert_all(&self, records: Vec<R>) -> Vec<Result<InsertOutcome, BatchError>> {
        let count = records.len();
        let Some(pending) = self.enqueue(records) else {
            return (0..count).map(|_| Err(BatchError::Busy)).collect();
        };
        let deadline = Instant::now() + OPERATION_TIMEOUT;
        let mut all = Vec::with_capacity(count);
        for (count, outcomes) in pending {
            match timeout_at(deadline, outcomes).await {
                Ok(Ok(outcomes)) => {
                    all.extend(outcomes.into_iter().map(|outcome| Ok(outcome?)));
                }
                _ => all.extend((0..count).map(|_| Err(unknown_outcome()))),
            }
        }
        all
    }

    /// Waits until nothing waits or is in flight any more.
    pub async fn drain(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Adds records to the queue, in groups that fit into one batch each. `None` if the queue is full.
    fn enqueue(&self, records: Vec<R>) -> Option<Vec<PendingOutcomes>> {
        let Shared { metrics, tasks, .. } = &*self.0;
        let groups = split_into_groups(records);
        let mut queue = self.0.queue.lock();
        if queue.is_full(&groups, self.0.max_waiting) {
            let count: usize = groups.iter().map(|(group, _)| group.len()).sum();
            metrics.rejected.inc_by(count as u64);
            return None;
        }
        let pending = groups.into_iter().map(|group| queue.push(group)).collect();
        metrics.waiting.set(gauge_value(queue.records));
        if queue.writers < MAX_IN_FLIGHT {
            queue.writers += 1;
            tasks.spawn(self.clone().write());
        }
        Some(pending)
    }

    /// Writes batches until nothing waits.
    async fn write(self) {
        let Shared { store, metrics, .. } = &*self.0;
        while let Some((batch, senders)) = self.next_batch().await {
            let timer = metrics.seconds.start_timer();
            let insert = AssertUnwindSafe(store.insert(batch)).catch_unwind();
            let Ok(outcomes) = insert.await else {
                // The callers notice that their senders are gone.
                error!("inserting a batch panicked");
                continue;
            };
            timer.observe_duration();
            let mut outcomes = outcomes.into_iter();
            for (count, sender) in senders {
                // Fails if the caller stopped waiting.
                sender.send(outcomes.by_ref().take(count).collect()).ok();
            }
        }
    }

    /// Takes the records that have waited longest, when a batch may start. `None` ends the writer.
    async fn next_batch(&self) -> Option<(Vec<R>, Vec<(usize, oneshot::Sender<Outcomes>)>)> {
        let in_progress = self.0.in_progress.load(Ordering::Relaxed);
        let start = self.0.queue.lock().next_start(in_progress);
        if let Some(start) = start {
            sleep_until(start).await;
        }
        let metrics = &self.0.metrics;
        let mut queue = self.0.queue.lock();
        let taken = queue.take();
        metrics.waiting.set(gauge_value(queue.records));
        if taken.is_empty() {
            queue.writers -= 1;
            return None;
        }
        queue.last_start = Some(Instant::now());
        drop(queue);
        let (mut batch, mut senders) = (Vec::new(), Vec::with_capacity(taken.len()));
        for group in taken {
            senders.push((group.records.len(), group.outcomes));
            batch.extend(group.records);
        }
        let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        metrics.records.observe(count.into());
        Some((batch, senders))
    }
}

fn unknown_outcome() -> BatchError {
    StoreError::Unavailable("no outcome in time".into()).into()
}

/// Splits records into groups that keep the limits of a batch, each with its size in bytes.
fn split_into_groups<R: NewRecord>(records: Vec<R>) -> Vec<(Vec<R>, usize)> {
    let mut groups: Vec<(Vec<R>, usize)> = Vec::with_capacity(1);
    for record in records {
        let size = record.size();
        match groups.last_mut() {
            Some((group, bytes))
                if group.len() < MAX_BATCH_RECORDS && *bytes + size <= MAX_BATCH_BYTES =>
            {
                group.push(record);
                *bytes += size;
            }
            _ => groups.push((vec![record], size)),
        }
    }
    groups
}

impl<R> Default for Queue<R> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            records: 0,
            bytes: 0,
            writers: 0,
            last_start: None,
        }
    }
}

impl<R> Queue<R> {
    /// Returns whether there is no space for more groups. An empty queue takes any.
    fn is_full(&self, more: &[(Vec<R>, usize)], max_records: usize) -> bool {
        let records: usize = more.iter().map(|(group, _)| group.len()).sum();
        let bytes: usize = more.iter().map(|(_, bytes)| bytes).sum();
        let exceeds =
            self.records + records > max_records || self.bytes + bytes > MAX_WAITING_BYTES;
        exceeds && !self.waiting.is_empty()
    }

    fn push(&mut self, (records, bytes): (Vec<R>, usize)) -> PendingOutcomes {
        let (sender, outcomes) = oneshot::channel();
        let count = records.len();
        self.records += count;
        self.bytes += bytes;
        self.waiting.push_back(WaitingGroup {
            records,
            bytes,
            since: Instant::now(),
            outcomes: sender,
        });
        (count, outcomes)
    }

    /// Returns when the next batch may start; `None` if at once.
    fn next_start(&self, in_progress: usize) -> Option<Instant> {
        let last_start = self.last_start.filter(|_| in_progress >= MANY_IN_PROGRESS);
        last_start.map(|start| start + BATCH_INTERVAL)
    }

    /// Takes the groups of the next batch, those that have waited longest.
    fn take(&mut self) -> Vec<WaitingGroup<R>> {
        let (mut batch, mut records, mut bytes) = (Vec::new(), 0, 0);
        while let Some(next) = self.waiting.pop_front_if(|next| {
            let fits = records + next.records.len() <= MAX_BATCH_RECORDS
                && bytes + next.bytes <= MAX_BATCH_BYTES;
            batch.is_empty() || fits
        }) {
            self.records -= next.records.len();
            self.bytes -= next.bytes;
            // Its caller has had an error and may retry: the first attempt must not follow much later.
            if next.since.elapsed() < OPERATION_TIMEOUT {
                records += next.records.len();
                bytes += next.bytes;
                batch.push(next);
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests;
