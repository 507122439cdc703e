//! Sends records to a topic of Kafka.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::timeout;
use tracing::warn;

use super::config;
use super::delivery::{DeliveryContext, SentGroup};
use crate::budget::ReservedBytes;
use crate::error::QueueError;
use crate::outgoing::OutgoingRecord;
use crate::setting::KafkaSetting;

/// Time in which the broker must confirm a record. Later it counts as not confirmed, and the client forgets it.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(3);

/// Time by which the client reports the end of [`MESSAGE_TIMEOUT`] later: it looks once a second.
const REPORT_DELAY: Duration = Duration::from_millis(1_500);

/// Timeout of a look at the topic.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Number of records that are handed over before other tasks run.
const YIELD_INTERVAL: usize = 128;

type Client = ThreadedProducer<DeliveryContext>;

/// Time for which all records go to the same partition. The client sends each partition in requests of its own, so that records
/// spread over many partitions would cost it and the broker several times as much.
const PARTITION_INTERVAL: Duration = Duration::from_millis(5);

/// A producer of one topic.
pub(crate) struct KafkaProducer {
    setting: KafkaSetting,
    /// Number of partitions, 0 while it is unknown.
    partitions: AtomicI32,
    started_at: Instant,
    /// Replaced after an error that the client cannot recover from.
    client: RwLock<Arc<Client>>,
}

impl fmt::Debug for KafkaProducer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("KafkaProducer");
        shown
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}

impl KafkaProducer {
    pub(crate) fn open(setting: &KafkaSetting) -> Result<Self, QueueError> {
        Ok(Self {
            setting: setting.clone(),
            partitions: AtomicI32::new(0),
            started_at: Instant::now(),
            client: RwLock::new(Arc::new(create_client(setting)?)),
        })
    }

    /// Checks that a broker answers and has the topic.
    pub(crate) async fn check(&self) -> Result<(), QueueError> {
        let (client, topic) = (self.client(), self.setting.topic.clone());
        let look = move || {
            let metadata = client
                .client()
                .fetch_metadata(Some(&topic), CHECK_TIMEOUT)?;
            super::admin::require_topic(&metadata, &topic)
        };
        let looked = spawn_blocking(look).await.map_err(|_| QueueError::Ended)?;
        self.partitions.store(looked?, Ordering::Relaxed);
        Ok(())
    }

    /// Sends records and waits for their confirmation. Returns the last error with the indexes of the others.
    pub(crate) async fn send(
        &self,
        records: &[OutgoingRecord],
        reserved: ReservedBytes,
    ) -> Result<(), (QueueError, Vec<usize>)> {
        let (group, all_answered) = SentGroup::new(records.len(), reserved);
        let (client, partition) = (self.client(), self.partition());
        for (index, record) in records.iter().enumerate() {
            if index % YIELD_INTERVAL == YIELD_INTERVAL - 1 {
                yield_now().await;
            }
            let mut sent = BaseRecord::with_opaque_to(&self.setting.topic, Arc::clone(&group))
                .key(&record.key[..])
                .payload(&record.value);
            sent.partition = partition;
            if let Err((error, _)) = client.send(sent) {
                group.fail(&record.key, error);
            }
        }
        let answered = timeout(MESSAGE_TIMEOUT + REPORT_DELAY, all_answered).await;
        if !matches!(answered, Ok(Ok(()))) {
            return Err((QueueError::Timeout, (0..records.len()).collect()));
        }
        let failures = group.take_failures();
        let Some(error) = failures.error else {
            return Ok(());
        };
        self.replace_after_fatal_error(&client);
        let failed: HashSet<_> = failures.keys.into_iter().collect();
        let failed = (0..records.len()).filter(|index| failed.contains(&records[*index].key[..]));
        Err((error.into(), failed.collect()))
    }

    /// Returns the partition for records that are sent now. `None`, which means one by the key, while their number is unknown.
    fn partition(&self) -> Option<i32> {
        let partitions = u128::try_from(self.partitions.load(Ordering::Relaxed)).ok()?;
        let turn = self.started_at.elapsed().as_micros() / PARTITION_INTERVAL.as_micros();
        let partition = turn.checked_rem(partitions)?;
        i32::try_from(partition).ok()
    }

    fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client.read())
    }

    /// Replaces the client if it has an error after which it sends nothing more.
    fn replace_after_fatal_error(&self, failed: &Arc<Client>) {
        let Some((_, reason)) = failed.client().fatal_error() else {
            return;
        };
        let mut current = self.client.write();
        if !Arc::ptr_eq(&current, failed) {
            return;
        }
        match create_client(&self.setting) {
            Ok(client) => {
                warn!("the Kafka producer is replaced after an error: {reason}");
                let failed = std::mem::replace(&mut *current, Arc::new(client));
                // Waits for its thread.
                spawn_blocking(move || drop(failed));
            }
            Err(error) => warn!("cannot replace the Kafka producer: {error}"),
        }
    }
}

/// Creates a client. It connects by itself.
fn create_client(setting: &KafkaSetting) -> Result<Client, KafkaError> {
    let mut config = config::connection(setting);
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("batch.size", "1000000")
        // The budget of bytes is reached before.
        .set("queue.buffering.max.kbytes", "65536")
        .set("queue.buffering.max.messages", "500000")
        .set(
            "message.timeout.ms",
            MESSAGE_TIMEOUT.as_millis().to_string(),
        )
        .set("request.timeout.ms", "3000")
        .set("socket.timeout.ms", "5000");
    config.create_with_context(DeliveryContext)
}
