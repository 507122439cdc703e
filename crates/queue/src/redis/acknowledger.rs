//! Acknowledges what is stored, and removes what every group has stored from the stream.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::sleep;
use tracing::warn;

use super::connection;
use crate::batch::MAX_PENDING_BATCHES;
use crate::error::QueueError;
use crate::metrics::ConsumerMetrics;
use crate::setting::RedisSetting;

/// Shortest time between two removals.
const TRIM_INTERVAL: Duration = Duration::from_secs(1);

/// Pause after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(1);

static TRIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("trim.lua")));

/// Ids of entries that are stored, with the place of their batch.
pub(super) type StoredEntries = (Vec<String>, OwnedSemaphorePermit);

/// Entries that were read but are not acknowledged. Dropped without [`finish`](Self::finish), they are claimed later.
#[derive(Debug)]
pub(crate) struct PendingEntries {
    pub(super) ids: Vec<String>,
    /// Returned when they are acknowledged: bounds the batches that are not.
    pub(super) permit: OwnedSemaphorePermit,
    pub(super) stored: mpsc::Sender<StoredEntries>,
}

impl PendingEntries {
    /// Hands the entries over to be acknowledged.
    pub(crate) fn finish(self) {
        // Never full: there are no more batches than places. Closed only after the reader has ended.
        self.stored.try_send((self.ids, self.permit)).ok();
    }
}

/// Acknowledges entries, batch by batch.
pub(super) struct Acknowledger {
    connection: ConnectionManager,
    setting: RedisSetting,
    metrics: ConsumerMetrics,
    stored: mpsc::Receiver<StoredEntries>,
}

impl Acknowledger {
    /// Returns the acknowledger, and the sender for entries that are stored.
    pub(super) fn new(
        setting: &RedisSetting,
        metrics: ConsumerMetrics,
    ) -> Result<(Self, mpsc::Sender<StoredEntries>), QueueError> {
        let (sender, stored) = mpsc::channel(MAX_PENDING_BATCHES);
        let acknowledger = Self {
            connection: connection::lazy(setting)?,
            setting: setting.clone(),
            metrics,
            stored,
        };
        Ok((acknowledger, sender))
    }

    /// Runs until all senders are gone.
    pub(super) async fn run(mut self) {
        let mut last_trim = Instant::now();
        while let Some((ids, _permit)) = self.stored.recv().await {
            let timer = self.metrics.commit_seconds.start_timer();
            while let Err(error) = self.acknowledge(&ids).await {
                warn!("cannot acknowledge votes in Redis: {error}");
                sleep(RETRY_DELAY).await;
            }
            timer.observe_duration();
            if last_trim.elapsed() >= TRIM_INTERVAL {
                last_trim = Instant::now();
                self.trim().await.ok();
            }
        }
        self.trim().await.ok();
    }

    async fn acknowledge(&self, ids: &[String]) -> Result<(), RedisError> {
        let mut acknowledge = redis::cmd("XACK");
        acknowledge
            .arg(&self.setting.stream)
            .arg(&self.setting.group)
            .arg(ids);
        acknowledge.query_async(&mut self.connection.clone()).await
    }

    /// Removes the entries before the first one that some group has not acknowledged.
    async fn trim(&self) -> Result<(), RedisError> {
        let call = TRIM.key(&self.setting.stream);
        call.invoke_async(&mut self.connection.clone()).await
    }
}
