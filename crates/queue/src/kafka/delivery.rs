//! Counts the acknowledgements of the records of one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::{ClientContext, Message};
use tokio::sync::oneshot;
use tracing::debug;

use crate::budget::ReservedBytes;

/// Records that were sent together and are waited for together.
#[derive(Debug)]
pub(super) struct SentGroup {
    remaining: AtomicUsize,
    failures: Mutex<Failures>,
    all_answered: Mutex<Option<oneshot::Sender<()>>>,
    /// Returned with the last answer, although the caller may have given up before.
    _reserved: ReservedBytes,
}

/// Records that the broker did not confirm.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Their keys.
    pub(super) keys: Vec<Vec<u8>>,
    /// The error of the last one.
    pub(super) error: Option<KafkaError>,
}

impl SentGroup {
    /// Creates a group of `count` records, and the receiver that is told when all are answered.
    pub(super) fn new(count: usize, reserved: ReservedBytes) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (all_answered, receiver) = oneshot::channel();
        let group = Self {
            remaining: AtomicUsize::new(count),
            failures: Mutex::default(),
            all_answered: Mutex::new(Some(all_answered)),
            _reserved: reserved,
        };
        (Arc::new(group), receiver)
    }

    /// Records that the broker confirmed a record.
    fn confirm(&self) {
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(sender) = self.all_answered.lock().take()
        {
            // Fails if the caller stopped waiting.
            sender.send(()).ok();
        }
    }

    /// Records that a record was not confirmed.
    pub(super) fn fail(&self, key: &[u8], error: KafkaError) {
        let mut failures = self.failures.lock();
        failures.keys.push(key.to_owned());
        failures.error = Some(error);
        drop(failures);
        self.confirm();
    }

    /// Takes the failures so far.
    pub(super) fn take_failures(&self) -> Failures {
        std::mem::take(&mut self.failures.lock())
    }
}

/// Receives the answers of the broker.
#[derive(Debug)]
pub(super) struct DeliveryContext;

impl ClientContext for DeliveryContext {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!("Kafka producer: {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!("Kafka producer: {error}: {reason}");
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = Arc<SentGroup>;

    fn delivery(&self, result: &DeliveryResult<'_>, group: Arc<SentGroup>) {
        match result {
            Ok(_) => group.confirm(),
            Err((error, record)) => group.fail(record.key().unwrap_or_default(), error.clone()),
        }
    }
}
