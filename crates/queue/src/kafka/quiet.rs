//! A context that logs what the client says at debug level: its callers log what follows from it.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use tracing::debug;

/// Context of clients that are used by one caller.
#[derive(Debug)]
pub(super) struct QuietContext;

impl ClientContext for QuietContext {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!("Kafka: {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!("Kafka: {error}: {reason}");
    }
}

impl ConsumerContext for QuietContext {}
