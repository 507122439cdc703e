//! Errors of the queue.

use rdkafka::error::KafkaError;

/// The queue cannot be used now, or not as it is set up.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Kafka failed.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// Redis failed.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// The broker is set up in another way than the queue needs.
    #[error("{0}")]
    Unsuitable(String),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// A thread of the client ended.
    #[error("the client ended")]
    Ended,
}
