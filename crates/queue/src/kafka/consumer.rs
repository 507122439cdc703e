//! Reads a topic of Kafka in a thread of its own: the client calls back while it is polled, and may wait then.

use std::time::{Duration, Instant};
use std::{io, thread};

use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::batch_builder::BatchBuilder;
use super::config;
use super::group_member::{GroupMember, MemberContext};
use super::pending_batches::PendingBatches;
use crate::batch::{Acknowledgement, MAX_PENDING_BATCHES, QueueBatch};
use crate::error::QueueError;
use crate::metrics::ConsumerMetrics;
use crate::setting::KafkaSetting;

/// Longest wait for a record. Bounds the time until a stop is noticed.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// Longest wait for further records of a batch.
const FILL_TIMEOUT: Duration = Duration::from_millis(10);

/// Shortest time between two commits.
const COMMIT_INTERVAL: Duration = Duration::from_millis(200);

/// Time without space for another batch after which the partitions are paused, and the client is polled, so that it stays a
/// member of the group.
const PAUSE_AFTER: Duration = Duration::from_secs(10);

/// Time for the batches in flight when the consumer stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Time without a record after which the client is checked.
const SILENCE: Duration = Duration::from_secs(30);

/// Reads records and hands them out.
pub(crate) struct Reader {
    setting: KafkaSetting,
    metrics: ConsumerMetrics,
    batches: mpsc::Sender<QueueBatch>,
    pending: PendingBatches,
    stop: CancellationToken,
}

/// Why a client is no longer used.
enum End {
    Stopped,
    Failed(QueueError),
}

impl Reader {
    pub(crate) fn new(
        setting: &KafkaSetting,
        metrics: ConsumerMetrics,
        batches: mpsc::Sender<QueueBatch>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            setting: setting.clone(),
            metrics,
            batches,
            pending: PendingBatches::default(),
            stop,
        }
    }

    /// Starts the thread.
    pub(crate) fn start(self) -> Result<thread::JoinHandle<()>, QueueError> {
        let started = thread::Builder::new()
            .name("kafka-consumer".into())
            .spawn(move || self.run());
        started.map_err(|error: io::Error| QueueError::Unsuitable(error.to_string()))
    }

    /// Replaces the client until the stop.
    fn run(self) {
        while !self.stop.is_cancelled() {
            match self.read() {
                Ok(End::Stopped) => return,
                Ok(End::Failed(error)) | Err(error) => {
                    warn!("the Kafka consumer is replaced: {error}");
                    self.metrics.rebuilds.inc();
                    thread::sleep(RETRY_DELAY);
                }
            }
        }
    }

    /// Reads with one client.
    fn read(&self) -> Result<End, QueueError> {
        self.pending.clear();
        let context = MemberContext::new(
            &self.setting.topic,
            self.pending.clone(),
            self.metrics.clone(),
        );
        let member: GroupMember = client_config(&self.setting).create_with_context(context)?;
        member.subscribe(&[&self.setting.topic])?;
        let mut builder = BatchBuilder::new(&self.setting.topic);
        let mut last_record = Instant::now();
        let mut last_commit = Instant::now();
        while !self.stop.is_cancelled() {
            if last_commit.elapsed() >= COMMIT_INTERVAL {
                last_commit = Instant::now();
                self.commit(&member);
            }
            if self.pending.has_lost_one() {
                let lost = "a batch was not stored".to_owned();
                return Ok(End::Failed(QueueError::Unsuitable(lost)));
            }
            if !self.wait_for_space(&member, &mut builder) {
                last_record = Instant::now();
                continue;
            }
            fill(&member, &mut builder)?;
            match builder.take() {
                Some((records, next_offsets)) => {
                    last_record = Instant::now();
                    let batch = self.pending.add(next_offsets);
                    let acknowledgement = Acknowledgement::new(move || batch.finish());
                    let batch = QueueBatch {
                        records,
                        acknowledgement,
                    };
                    if self.batches.blocking_send(batch).is_err() {
                        return Ok(End::Stopped);
                    }
                }
                None if last_record.elapsed() > SILENCE => {
                    last_record = Instant::now();
                    if super::watchdog::is_stalled(&member) {
                        let stalled = "records wait, but none was delivered".to_owned();
                        return Ok(End::Failed(QueueError::Unsuitable(stalled)));
                    }
                }
                None => {}
            }
        }
        info!("the Kafka consumer stops");
        self.pending.wait_for_fewer_than(1, STOP_TIMEOUT);
        self.commit(&member);
        Ok(End::Stopped)
    }

    fn commit(&self, member: &GroupMember) {
        let offsets = self.pending.take_stored();
        member.context().commit(member, &offsets);
    }

    /// Waits shortly until another batch may be read. Pauses the partitions if that takes long. Returns whether there is space.
    fn wait_for_space(&self, member: &GroupMember, builder: &mut BatchBuilder) -> bool {
        if self
            .pending
            .wait_for_fewer_than(MAX_PENDING_BATCHES, POLL_TIMEOUT)
        {
            return member.context().resume(member);
        }
        if member.context().time_without_space() > PAUSE_AFTER {
            member.context().pause(member);
            // One that was on its way may still come.
            poll(member, builder, Duration::ZERO).ok();
        }
        false
    }
}

/// Reads until the batch is full, or its first record has waited for [`FILL_TIMEOUT`].
fn fill(member: &GroupMember, builder: &mut BatchBuilder) -> Result<(), QueueError> {
    poll(member, builder, POLL_TIMEOUT)?;
    let deadline = Instant::now() + FILL_TIMEOUT;
    while !builder.is_empty() && !builder.is_full() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        poll(member, builder, left)?;
    }
    Ok(())
}

/// Adds the next record, if one comes in time. Fails if the client must be replaced.
fn poll(
    member: &GroupMember,
    builder: &mut BatchBuilder,
    timeout: Duration,
) -> Result<(), QueueError> {
    match member.poll(timeout) {
        Some(Ok(message)) => builder.push(&message),
        Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error.into()),
        // The client goes on by itself.
        Some(Err(error)) => member.context().log_error(&error),
        None => {}
    }
    builder.forget_partitions(&member.context().take_revoked());
    Ok(())
}

fn client_config(setting: &KafkaSetting) -> ClientConfig {
    let mut config = config::connection(setting);
    config
        .set("group.id", &setting.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", "10000")
        .set("max.poll.interval.ms", "300000")
        .set("socket.timeout.ms", "10000")
        // Records that wait in the client take most of its memory. After its queue was full it would pause for a second.
        .set("queued.min.messages", "10000")
        .set("queued.max.messages.kbytes", "2048")
        .set("fetch.message.max.bytes", "1048576")
        .set("fetch.max.bytes", "2097152")
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.wait.max.ms", "100");
    config
}
