//! Group commit: inserts everything that waits as one batch. An instance with little to do writes a batch of one at once.
//! While several submissions are in progress, batches keep a short interval, so that they hold several records: a
//! transaction costs the database far more than each further record in it.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;
use tracing::error;

use super::metrics::BatchMetrics;
use jornada_runtime::metrics::gauge_value;
use jornada_store::{
    InsertOutcome, MAX_BATCH_BYTES, MAX_BATCH_RECORDS, NewRegistration, OPERATION_TIMEOUT, Store,
    StoreError,
};

/// Maximum number of waiting registrations.
pub const MAX_WAITING: usize = 4 * MAX_BATCH_RECORDS;

/// Maximum size of the waiting registrations in bytes, by [`NewRegistration::size`].
const MAX_WAITING_BYTES: usize = 4 * MAX_BATCH_BYTES;

/// Maximum number of batches in flight.
const MAX_IN_FLIGHT: usize = 2;

/// Shortest time between the starts of two batches while many submissions are in progress. A longer one saves little
/// more: see `docs/performance.md`.
const BATCH_INTERVAL: Duration = Duration::from_millis(30);

/// Submissions in progress from which on batches keep the interval.
const MANY_IN_PROGRESS: usize = 4;

/// Inserts registrations in batches, first in, first out. Cheap to clone: clones share the queue.
#[derive(Clone, Debug)]
pub struct Batcher(Arc<Shared>);

/// A registration that was not inserted.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Too many registrations wait. Retry later.
    #[error("too many registrations wait for the store")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug)]
struct Shared {
    store: Store,
    metrics: BatchMetrics,
    queue: Mutex<Queue>,
    in_progress: AtomicUsize,
    tasks: TaskTracker,
}

/// A submission that is expected to insert a registration soon. Dropped when it does, or fails before.
#[derive(Debug)]
#[must_use]
pub struct SubmissionInProgress(Batcher);

impl Drop for SubmissionInProgress {
    fn drop(&mut self) {
        self.0.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<WaitingRecord>,
    bytes: usize,
    /// Number of writers. Each writes one batch after the other and ends when nothing waits.
    writers: usize,
    /// When the last batch was started.
    last_start: Option<Instant>,
}

#[derive(Debug)]
struct WaitingRecord {
    record: NewRegistration,
    bytes: usize,
    since: Instant,
    outcome: OutcomeSender,
}

type OutcomeSender = oneshot::Sender<Result<InsertOutcome, StoreError>>;

impl Batcher {
    /// Creates a batcher for `store`.
    pub fn new(store: Store, metrics: BatchMetrics) -> Self {
        Self(Arc::new(Shared {
            store,
            metrics,
            queue: Mutex::default(),
            in_progress: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
        }))
    }

    /// Announces a submission, for which the next batch waits shortly if there are several.
    pub fn announce(&self) -> SubmissionInProgress {
        self.0.in_progress.fetch_add(1, Ordering::Relaxed);
        SubmissionInProgress(self.clone())
    }

    /// Inserts a registration with the next batch. If the caller stops waiting, it is inserted all the same.
    pub async fn insert(&self, record: NewRegistration) -> Result<InsertOutcome, BatchError> {
        let outcome = self.enqueue(record)?;
        let unknown = || StoreError::Unavailable("no outcome in time".into());
        match timeout(OPERATION_TIMEOUT, outcome).await {
            Ok(Ok(outcome)) => Ok(outcome?),
            _ => Err(unknown().into()),
        }
    }

    /// Waits until nothing waits or is in flight any more.
    pub async fn drain(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn enqueue(
        &self,
        record: NewRegistration,
    ) -> Result<oneshot::Receiver<Result<InsertOutcome, StoreError>>, BatchError> {
        let Shared { metrics, tasks, .. } = &*self.0;
        let bytes = record.size();
        let mut queue = self.0.queue.lock();
        if queue.is_full(bytes) {
            metrics.rejected.inc();
            return Err(BatchError::Busy);
        }
        let (sender, outcome) = oneshot::channel();
        queue.bytes += bytes;
        queue.waiting.push_back(WaitingRecord {
            record,
            bytes,
            since: Instant::now(),
            outcome: sender,
        });
        metrics.waiting.set(gauge_value(queue.waiting.len()));
        if queue.writers < MAX_IN_FLIGHT {
            queue.writers += 1;
            tasks.spawn(self.clone().write());
        }
        Ok(outcome)
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
            for (sender, outcome) in senders.into_iter().zip(outcomes) {
                // Fails if the caller stopped waiting.
                sender.send(outcome).ok();
            }
        }
    }

    /// Takes the records that have waited longest, when a batch may start. `None` ends the writer.
    async fn next_batch(&self) -> Option<(Vec<NewRegistration>, Vec<OutcomeSender>)> {
        let in_progress = self.0.in_progress.load(Ordering::Relaxed);
        let start = self.0.queue.lock().next_start(in_progress);
        if let Some(start) = start {
            sleep_until(start).await;
        }
        let metrics = &self.0.metrics;
        let mut queue = self.0.queue.lock();
        let taken = queue.take();
        metrics.waiting.set(gauge_value(queue.waiting.len()));
        if taken.is_empty() {
            queue.writers -= 1;
            return None;
        }
        queue.last_start = Some(Instant::now());
        drop(queue);
        let count = u32::try_from(taken.len()).unwrap_or(u32::MAX);
        metrics.records.observe(count.into());
        let taken = taken.into_iter();
        Some(taken.map(|one| (one.record, one.outcome)).unzip())
    }
}

impl Queue {
    fn is_full(&self, more_bytes: usize) -> bool {
        self.waiting.len() >= MAX_WAITING
            || (self.bytes + more_bytes > MAX_WAITING_BYTES && !self.waiting.is_empty())
    }

    /// Returns when the next batch may start; `None` if at once.
    fn next_start(&self, in_progress: usize) -> Option<Instant> {
        let last_start = self.last_start.filter(|_| in_progress >= MANY_IN_PROGRESS);
        last_start.map(|start| start + BATCH_INTERVAL)
    }

    fn take(&mut self) -> Vec<WaitingRecord> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_BATCH_RECORDS
            && let Some(next) = self
                .waiting
                .pop_front_if(|next| batch.is_empty() || bytes + next.bytes <= MAX_BATCH_BYTES)
        {
            self.bytes -= next.bytes;
            // Its caller has had an error and may retry: the first attempt must not follow much later.
            if next.since.elapsed() < OPERATION_TIMEOUT {
                bytes += next.bytes;
                batch.push(next);
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use jiff::Timestamp;
    use jornada_domain::{Answers, Campaign, Registration, RegistrationId};

    use super::*;

    const CAMPAIGN: &str = r#"
id = "encuesta"
opens_at = 2026-11-01T06:00:00-05:00
closes_at = 2026-11-30T18:00:00-05:00
time_zone = "America/Bogota"
title = { es = "Encuesta", en = "Survey" }
[[fields]]
name = "lugar"
kind = "place"
label = { es = "Lugar", en = "Place" }
required = true
tally = true
"#;

    /// Returns a queue of registrations with texts of these lengths; the first byte of each id is its number.
    fn queue(lengths: impl IntoIterator<Item = usize>) -> Queue {
        let campaign = Campaign::parse(CAMPAIGN, |_| Err(String::new())).unwrap();
        let campaign = Arc::new(campaign);
        let mut queue = Queue::default();
        for (number, length) in (0_u16..).zip(lengths) {
            let [high, low] = number.to_be_bytes();
            let mut id = [0; 16];
            id[..2].copy_from_slice(&[high, low]);
            let record = NewRegistration {
                registration: Registration {
                    id: RegistrationId::from_bytes(id),
                    campaign: campaign.id.clone(),
                    answers: Answers::from_stored(vec![Some("x".repeat(length))]),
                    tally_value: String::new(),
                    photo: None,
                    digest: [0; 32],
                    received_at: Timestamp::UNIX_EPOCH,
                },
                campaign: Arc::clone(&campaign),
            };
            let bytes = record.size();
            assert!(!queue.is_full(bytes));
            queue.bytes += bytes;
            queue.waiting.push_back(WaitingRecord {
                record,
                bytes,
                since: Instant::now(),
                outcome: oneshot::channel().0,
            });
        }
        queue
    }

    /// Takes batches until nothing waits, and returns the numbers in each.
    fn batches(queue: &mut Queue) -> Vec<Vec<u16>> {
        let number = |one: &WaitingRecord| {
            let id = one.record.registration.id.as_bytes();
            u16::from_be_bytes([id[0], id[1]])
        };
        let batches = std::iter::repeat_with(|| queue.take());
        let batches = batches.take_while(|batch| !batch.is_empty());
        batches
            .map(|batch| batch.iter().map(number).collect())
            .collect()
    }

    #[test]
    fn batches_are_bounded_and_in_order() {
        let mut queue = queue(repeat_n(1, 2_500));
        let all: Vec<_> = (0..2_500).collect();
        let expected: Vec<_> = all.chunks(MAX_BATCH_RECORDS).collect();
        assert_eq!(batches(&mut queue), expected);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_large_registration_is_not_passed_over() {
        let half = MAX_BATCH_BYTES / 2;
        let mut queue = queue([1, half, half, 1, 2 * MAX_BATCH_BYTES, 1]);
        let expected = [vec![0, 1], vec![2, 3], vec![4], vec![5]];
        assert_eq!(batches(&mut queue), expected);
    }

    #[test]
    fn the_size_of_what_waits_is_bounded() {
        let mut queue = queue([MAX_WAITING_BYTES - 2_000]);
        assert!(!queue.is_full(1_000) && queue.is_full(2_000));
        batches(&mut queue);
        assert!(
            !queue.is_full(2 * MAX_WAITING_BYTES),
            "alone it is not too large"
        );
    }

    #[test]
    fn batches_keep_an_interval_while_many_submissions_are_in_progress() {
        let mut queue = queue([1]);
        assert_eq!(queue.next_start(MANY_IN_PROGRESS), None, "the first batch");
        let last_start = Instant::now();
        queue.last_start = Some(last_start);
        assert_eq!(queue.next_start(MANY_IN_PROGRESS - 1), None);
        let next_start = last_start + BATCH_INTERVAL;
        assert_eq!(queue.next_start(MANY_IN_PROGRESS), Some(next_start));
    }

    #[test]
    fn what_waited_too_long_is_not_written() {
        let mut queue = queue(repeat_n(1, 2_000));
        for one in &mut queue.waiting {
            one.since -= OPERATION_TIMEOUT;
        }
        assert_eq!(batches(&mut queue), Vec::<Vec<u16>>::new());
        assert_eq!((queue.waiting.len(), queue.bytes), (0, 0));
    }
}
