//! Creates the topic.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaErrorCode;

use super::config;
use super::quiet::QuietContext;
use crate::error::QueueError;
use crate::setting::KafkaSetting;

/// Timeout of creating a topic.
const CREATE_TIMEOUT: Duration = Duration::from_secs(20);

/// Creates the topic. Returns whether it is new.
pub(crate) async fn create_topic(
    setting: &KafkaSetting,
    partitions: i32,
    replicas: i32,
) -> Result<bool, QueueError> {
    let config = config::connection(setting);
    let client: AdminClient<QuietContext> = config.create_with_context(QuietContext)?;
    let topic = NewTopic::new(
        &setting.topic,
        partitions,
        TopicReplication::Fixed(replicas),
    );
    let options = AdminOptions::new()
        .request_timeout(Some(CREATE_TIMEOUT))
        .operation_timeout(Some(CREATE_TIMEOUT));
    let created = client.create_topics([&topic], &options).await?;
    match created.into_iter().next() {
        Some(Ok(_)) => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(QueueError::Unsuitable(format!(
            "Kafka does not create the topic {}: {code}",
            setting.topic
        ))),
        None => Err(QueueError::Timeout),
    }
}

/// Returns the number of partitions. Fails if the topic does not exist.
pub(super) fn require_topic(metadata: &Metadata, topic: &str) -> Result<i32, QueueError> {
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    match found {
        Some(found) if found.error().is_none() && !found.partitions().is_empty() => {
            Ok(i32::try_from(found.partitions().len()).unwrap_or(i32::MAX))
        }
        _ => Err(QueueError::Unsuitable(format!(
            "the topic {topic} does not exist: create it with: jornada queue create"
        ))),
    }
}
