//! Looks at what waits in a topic of Kafka.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use super::quiet::QuietContext;
use super::{admin, config};
use crate::error::QueueError;
use crate::setting::KafkaSetting;
use crate::state::{QueueState, age};

/// Timeout of each request.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Time to read the oldest records.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

type Client = BaseConsumer<QuietContext>;

/// A client that belongs to no group.
#[derive(Clone)]
pub(crate) struct KafkaObserver {
    setting: KafkaSetting,
    client: Arc<Mutex<Client>>,
}

impl fmt::Debug for KafkaObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("KafkaObserver");
        shown
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}

impl KafkaObserver {
    pub(crate) fn open(setting: &KafkaSetting) -> Result<Self, QueueError> {
        let mut config = config::connection(setting);
        config
            .set("group.id", &setting.group)
            .set("enable.auto.commit", "false")
            .set("socket.timeout.ms", "5000")
            // A few records are read at a time.
            .set("queued.min.messages", "1")
            .set("fetch.message.max.bytes", "1024")
            .set("fetch.wait.max.ms", "50");
        Ok(Self {
            setting: setting.clone(),
            client: Arc::new(Mutex::new(config.create_with_context(QuietContext)?)),
        })
    }

    pub(crate) async fn state(&self) -> Result<QueueState, QueueError> {
        let this = self.clone();
        let look = move || look(&this.client.lock(), &this.setting);
        spawn_blocking(look).await.map_err(|_| QueueError::Ended)?
    }
}

fn look(client: &Client, setting: &KafkaSetting) -> Result<QueueState, QueueError> {
    let metadata = client.fetch_metadata(Some(&setting.topic), TIMEOUT)?;
    admin::require_topic(&metadata, &setting.topic)?;
    let mut partitions = TopicPartitionList::new();
    for topic in metadata.topics() {
        for partition in topic.partitions() {
            partitions.add_partition(topic.name(), partition.id());
        }
    }
    let committed = client.committed_offsets(partitions, TIMEOUT)?;
    let mut unread = TopicPartitionList::new();
    let mut lag = 0;
    for element in committed.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        let (begin, end) = client.fetch_watermarks(topic, partition, TIMEOUT)?;
        let next = match element.offset() {
            Offset::Offset(next) => next.max(begin),
            _ => begin,
        };
        if next < end {
            lag += u64::try_from(end - next).unwrap_or_default();
            unread.add_partition_offset(topic, partition, Offset::Offset(next))?;
        }
    }
    Ok(QueueState {
        lag,
        oldest_age: oldest_age(client, &unread)?,
        consumers: count_members(client, &setting.group)?,
    })
}

/// Reads the first record of each of these partitions. Returns the age of the oldest, zero without partitions, and `None` if
/// they cannot be read in time.
fn oldest_age(
    client: &Client,
    unread: &TopicPartitionList,
) -> Result<Option<Duration>, QueueError> {
    let mut missing: Vec<i32> = unread
        .elements()
        .iter()
        .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
        .collect();
    if missing.is_empty() {
        return Ok(Some(Duration::ZERO));
    }
    client.assign(unread)?;
    let deadline = Instant::now() + READ_TIMEOUT;
    let mut oldest: Option<u64> = None;
    while !missing.is_empty() && Instant::now() < deadline {
        let Some(Ok(message)) = client.poll(Duration::from_millis(50)) else {
            continue;
        };
        if missing.contains(&message.partition()) {
            missing.retain(|partition| *partition != message.partition());
            let at = message.timestamp().to_millis();
            let at = at.and_then(|at| u64::try_from(at).ok());
            oldest = oldest.into_iter().chain(at).min();
        }
    }
    client.unassign()?;
    let is_complete = missing.is_empty();
    Ok(oldest.filter(|_| is_complete).map(age))
}

fn count_members(client: &Client, group: &str) -> Result<u64, QueueError> {
    let found = client.fetch_group_list(Some(group), TIMEOUT)?;
    let groups = found.groups().iter().filter(|found| found.name() == group);
    Ok(groups.map(|group| group.members().len() as u64).sum())
}
