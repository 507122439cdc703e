//! Sends records and waits until the broker has confirmed them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::breaker::{Breaker, Permission};
use crate::budget::ByteBudget;
use crate::error::QueueError;
use crate::kafka::producer::KafkaProducer;
use crate::metrics::ProducerMetrics;
use crate::outgoing::OutgoingRecord;
use crate::redis::producer::RedisProducer;
use crate::setting::QueueSetting;
use jornada_runtime::metrics::gauge_value;

/// Maximum memory of the records that wait for an acknowledgement in bytes.
const MAX_SENDING_BYTES: usize = 32 << 20;

/// Time between two looks at a queue that is down.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Sends records to the queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Producer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    breaker: Breaker,
    budget: ByteBudget,
    metrics: ProducerMetrics,
}

#[derive(Debug)]
enum Client {
    Kafka(KafkaProducer),
    Redis(RedisProducer),
}

impl Producer {
    /// Opens the queue, and checks shortly whether it takes records. `None` for [`QueueSetting::Direct`]. Fails if the client
    /// cannot be set up; a queue that is down is tried again later.
    pub async fn open(
        setting: &QueueSetting,
        metrics: ProducerMetrics,
    ) -> Result<Option<Self>, QueueError> {
        let client = match setting {
            QueueSetting::Direct => return Ok(None),
            QueueSetting::Kafka(setting) => Client::Kafka(KafkaProducer::open(setting)?),
            QueueSetting::Redis(setting) => Client::Redis(RedisProducer::open(setting)?),
        };
        metrics
            .sending_limit_bytes
            .set(gauge_value(MAX_SENDING_BYTES));
        let producer = Self(Arc::new(Shared {
            client,
            breaker: Breaker::default(),
            budget: ByteBudget::new(MAX_SENDING_BYTES, metrics.sending_bytes.clone()),
            metrics,
        }));
        producer.check().await;
        Ok(Some(producer))
    }

    /// Sends records. Returns the indexes of those that were not confirmed, in order, for the caller to insert: they may be in the
    /// queue all the same.
    pub async fn send(&self, records: &[OutgoingRecord]) -> Vec<usize> {
        let unconfirmed = self.try_to_send(records).await;
        let count = unconfirmed.len() as u64;
        self.0.metrics.fallback_votes.inc_by(count);
        unconfirmed
    }

    async fn try_to_send(&self, records: &[OutgoingRecord]) -> Vec<usize> {
        let all = || (0..records.len()).collect();
        let may_send = match self.0.breaker.permission(Instant::now()) {
            Permission::Send => true,
            Permission::Try => self.check().await,
            Permission::Refused => false,
        };
        if !may_send {
            return all();
        }
        let bytes = records.iter().map(OutgoingRecord::size).sum();
        let Some(reserved) = self.0.budget.reserve(bytes) else {
            return all();
        };
        let timer = self.0.metrics.duration_seconds.start_timer();
        let sent = match &self.0.client {
            Client::Kafka(client) => client.send(records, reserved).await,
            Client::Redis(client) => client.send(records, reserved).await,
        };
        timer.observe_duration();
        match sent {
            Ok(()) => {
                self.set_up();
                Vec::new()
            }
            Err((error, unconfirmed)) => {
                self.set_down(&error);
                unconfirmed
            }
        }
    }

    /// Tries a queue that is down until `stop`, so that its recovery is noticed without votes, too.
    pub async fn watch(self, stop: CancellationToken) {
        let tries = async {
            loop {
                sleep(WATCH_INTERVAL).await;
                if self.0.breaker.permission(Instant::now()) == Permission::Try {
                    self.check().await;
                }
            }
        };
        stop.run_until_cancelled(tries).await;
    }

    /// Returns whether the queue confirmed what was sent last.
    pub fn is_up(&self) -> bool {
        self.0.breaker.is_up()
    }

    /// Returns whether the broker answers and keeps what it confirms.
    async fn check(&self) -> bool {
        let checked = match &self.0.client {
            Client::Kafka(client) => client.check().await,
            Client::Redis(client) => client.check().await,
        };
        match &checked {
            Ok(()) => self.set_up(),
            Err(error) => self.set_down(error),
        }
        checked.is_ok()
    }

    fn set_up(&self) {
        if self.0.breaker.succeeded() {
            info!("JORNADA_QUEUE: the queue takes votes");
            self.0.metrics.set_up(true);
        }
    }

    fn set_down(&self, error: &QueueError) {
        if self.0.breaker.failed(Instant::now()) {
            warn!("JORNADA_QUEUE: the queue is down, votes are inserted directly: {error}");
        }
        self.0.metrics.set_up(false);
    }
}
