//! Takes votes from the queue into the store, batch by batch. A batch is removed from the queue only after each of its records
//! is stored, or kept as a dead letter: a process that dies at any point loses nothing, and what is read twice is found to be
//! stored.

pub mod metrics;

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::dead_letter_gate::DeadLetterGate;
use super::queued::{Refusal, VoteJudge};
use jornada_domain::QueueRecord;
use jornada_domain::dead_letter::{DeadLetter, DeadLetterReason};
use jornada_queue::{Consumer, QueueBatch};
use jornada_store::{InsertOutcome, NewVote, Store, StoreError};
use metrics::VoteConsumerMetrics;

/// First and longest pause after the store failed.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Stores the votes of the queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VoteConsumer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    judge: VoteJudge,
    metrics: VoteConsumerMetrics,
    gate: Mutex<DeadLetterGate>,
    /// Ends the reader. Cancelled with `stop`, and when too many records are dead letters.
    stop_reading: CancellationToken,
    /// Cancelled when the process stops.
    stop: CancellationToken,
}

/// A record that was judged to be a vote, with its position in the batch.
type JudgedVote = (usize, NewVote, QueueRecord);

/// A record that cannot become a vote, with its position in the batch.
type RefusedRecord = (usize, Refusal, QueueRecord);

impl VoteConsumer {
    /// Creates a consumer. `stop_reading` ends its reader; the consumer cancels it when too many records are dead letters.
    pub fn new(
        store: Store,
        judge: VoteJudge,
        metrics: VoteConsumerMetrics,
        stop_reading: CancellationToken,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Shared {
            store,
            judge,
            metrics,
            gate: Mutex::default(),
            stop_reading,
            stop,
        }))
    }

    /// Stores batches until the reader ends, and those that it has handed out.
    pub async fn run(self, mut reader: Consumer) {
        let mut storing = JoinSet::new();
        while let Some(batch) = reader.next().await {
            // The reader bounds the number of batches that are not acknowledged.
            storing.spawn(self.clone().store(batch));
            while storing.try_join_next().is_some() {}
        }
        storing.join_all().await;
        reader.finish().await;
    }

    /// Stores a batch and removes it from the queue. While the store fails, it is repeated until the process stops.
    async fn store(self, batch: QueueBatch) {
        let QueueBatch {
            records,
            acknowledgement,
        } = batch;
        let count = records.len();
        let metrics = &self.0.metrics;
        #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
        metrics.batch_votes.observe(count as f64);
        let (votes, mut refused) = self.judge(records);
        let timer = metrics.insert_seconds.start_timer();
        let Some(conflicts) = self.insert(votes).await else {
            timer.stop_and_discard();
            return;
        };
        refused.extend(conflicts);
        let mut is_dead = vec![false; count];
        for (index, ..) in &refused {
            is_dead[*index] = true;
        }
        if self.keep_dead_letters(refused).await.is_none() {
            return;
        }
        timer.observe_duration();
        acknowledgement.acknowledge();
        self.stop_at_limit(&is_dead);
    }

    /// Counts the records of a batch, and stops reading when too many were dead letters.
    fn stop_at_limit(&self, is_dead: &[bool]) {
        let mut gate = self.0.gate.lock();
        if gate.reached().is_some() {
            return;
        }
        if let Some(limit) = is_dead.iter().find_map(|is_dead| gate.count(*is_dead)) {
            error!("this consumer stops: {limit}. See: jornada dead-letters list");
            self.0.metrics.stopped.set(1);
            self.0.stop_reading.cancel();
        }
    }

    fn judge(&self, records: Vec<QueueRecord>) -> (Vec<JudgedVote>, Vec<RefusedRecord>) {
        let now = Timestamp::now();
        let (mut votes, mut refused) = (Vec::with_capacity(records.len()), Vec::new());
        for (index, record) in records.into_iter().enumerate() {
            match self.0.judge.judge(&record, now) {
                Ok(vote) => votes.push((index, vote, record)),
                Err(refusal) => refused.push((index, refusal, record)),
            }
        }
        (votes, refused)
    }

    /// Inserts votes until each has an outcome. Returns those that cannot be stored, or `None` if the process stops before.
    async fn insert(&self, mut votes: Vec<JudgedVote>) -> Option<Vec<RefusedRecord>> {
        let mut refused = Vec::new();
        let mut delays = retry_delays();
        loop {
            let batch = votes.iter().map(|(_, vote, _)| vote.clone()).collect();
            let outcomes = self.0.store.insert(batch).await;
            let (mut left, mut failure) = (Vec::new(), None);
            for ((index, vote, record), outcome) in votes.into_iter().zip(outcomes) {
                match outcome {
                    Ok(InsertOutcome::Inserted) => self.count(&vote, "stored"),
                    Ok(InsertOutcome::SameAgain(_)) => self.count(&vote, "repeated"),
                    Ok(
                        InsertOutcome::Conflict
                        | InsertOutcome::AliasTaken
                        | InsertOutcome::Deleted
                        | InsertOutcome::Vacated,
                    ) => {
                        let refusal = Refusal::new(DeadLetterReason::Conflict, String::new());
                        refused.push((index, refusal, record));
                    }
                    Err(error @ (StoreError::Unavailable(_) | StoreError::Failed(_))) => {
                        failure = Some(error);
                        left.push((index, vote, record));
                    }
                    Err(StoreError::Refused(cause)) => {
                        warn!("the store refuses a vote: {cause}");
                        let refusal = Refusal::new(DeadLetterReason::Refused, String::new());
                        refused.push((index, refusal, record));
                    }
                }
            }
            if left.is_empty() {
                return Some(refused);
            }
            if let Some(StoreError::Failed(cause)) = failure {
                warn!("cannot store votes: {cause}");
            }
            self.pause(&mut delays).await?;
            votes = left;
        }
    }

    /// Keeps records that cannot become votes. Returns `None` if the process stops before.
    async fn keep_dead_letters(&self, refused: Vec<RefusedRecord>) -> Option<()> {
        if refused.is_empty() {
            return Some(());
        }
        let now = Timestamp::now();
        let letters = refused.into_iter().map(|(_, refusal, record)| {
            DeadLetter::new(refusal.reason, refusal.detail, record, now)
        });
        let letters: Vec<_> = letters.collect();
        let mut delays = retry_delays();
        while let Err(error) = self.0.store.insert_dead_letters(letters.clone()).await {
            warn!("cannot keep dead letters: {error}");
            self.pause(&mut delays).await?;
        }
        for letter in &letters {
            let reason: [&str; 1] = [letter.reason.into()];
            self.0.metrics.dead_letters.with_label_values(&reason).inc();
        }
        Some(())
    }

    fn count(&self, vote: &NewVote, outcome: &str) {
        let labels = [vote.campaign.id.as_str(), outcome];
        self.0.metrics.votes.with_label_values(&labels).inc();
    }

    /// Waits before another attempt. Returns `None` if the process stops.
    async fn pause(&self, delays: &mut impl Iterator<Item = Duration>) -> Option<()> {
        let delay = delays.next().unwrap_or(RETRY_DELAYS.1);
        self.0.stop.run_until_cancelled(sleep(delay)).await
    }
}

fn retry_delays() -> impl Iterator<Item = Duration> {
    let (first, longest) = RETRY_DELAYS;
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
        .build()
}
