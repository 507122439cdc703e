//! Tells how many records wait in the queue, for how long, and how many consumers read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::error::QueueError;
use crate::kafka;
use crate::kafka::observer::KafkaObserver;
use crate::metrics::StateMetrics;
use crate::redis;
use crate::redis::observer::RedisObserver;
use crate::setting::QueueSetting;
use crate::state::QueueState;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(5);

/// Timeout of a look.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Looks at the queue.
#[derive(Clone, Debug)]
pub struct Observer {
    client: Client,
    has_answered: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
enum Client {
    Kafka(KafkaObserver),
    Redis(RedisObserver),
}

impl Observer {
    /// Opens the queue. `None` for [`QueueSetting::Direct`].
    pub fn open(setting: &QueueSetting) -> Result<Option<Self>, QueueError> {
        let client = match setting {
            QueueSetting::Direct => return Ok(None),
            QueueSetting::Kafka(setting) => Client::Kafka(KafkaObserver::open(setting)?),
            QueueSetting::Redis(setting) => Client::Redis(RedisObserver::open(setting)?),
        };
        Ok(Some(Self {
            client,
            has_answered: Arc::default(),
        }))
    }

    /// Returns what waits now.
    pub async fn state(&self) -> Result<QueueState, QueueError> {
        let look = async {
            match &self.client {
                Client::Kafka(client) => client.state().await,
                Client::Redis(client) => client.state().await,
            }
        };
        timeout(TIMEOUT, look)
            .await
            .map_err(|_| QueueError::Timeout)?
    }

    /// Returns whether the queue answered the last look of [`run`](Self::run).
    pub fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// Updates the metrics until `stop`.
    pub async fn run(self, metrics: StateMetrics, stop: CancellationToken) {
        let mut interval = interval(INTERVAL);
        let looks = async {
            loop {
                interval.tick().await;
                let state = self.state().await;
                if let Err(error) = &state {
                    tracing::debug!("the state of the queue is unknown: {error}");
                }
                self.has_answered.store(state.is_ok(), Ordering::Relaxed);
                metrics.set(state.ok().as_ref());
            }
        };
        stop.run_until_cancelled(looks).await;
    }
}

/// Creates the topic, or the stream with its group. Returns whether it is new.
pub async fn create_queue(
    setting: &QueueSetting,
    partitions: i32,
    replicas: i32,
) -> Result<bool, QueueError> {
    match setting {
        QueueSetting::Direct => Ok(false),
        QueueSetting::Kafka(setting) => {
            kafka::admin::create_topic(setting, partitions, replicas).await
        }
        QueueSetting::Redis(setting) => redis::admin::create_group(setting).await,
    }
}
