//! Reads a stream of Redis as a member of its group.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, Script, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::acknowledger::{Acknowledger, PendingEntries, StoredEntries};
use super::{admin, connection, entries};
use crate::batch::{Acknowledgement, MAX_PENDING_BATCHES, MAX_RECORDS, QueueBatch};
use crate::error::QueueError;
use crate::metrics::ConsumerMetrics;
use crate::setting::RedisSetting;

/// Time for which Redis waits for entries.
const BLOCK: Duration = Duration::from_secs(1);

/// Id that stands for the entries that no consumer has read.
const NEW: &str = ">";

/// Time between two looks for entries of consumers that died.
const CLAIM_INTERVAL: Duration = Duration::from_secs(10);

/// Time after which a consumer without entries is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(1);

/// Time for the batches in flight when the consumer stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(1);

static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("forget.lua")));

/// Reads entries and hands them out.
pub(crate) struct Reader {
    setting: RedisSetting,
    name: String,
    metrics: ConsumerMetrics,
    batches: mpsc::Sender<QueueBatch>,
    stored: mpsc::Sender<StoredEntries>,
    acknowledger: Acknowledger,
    pending: Arc<Semaphore>,
}

impl Reader {
    /// `name` is that of this process.
    pub(crate) fn new(
        setting: &RedisSetting,
        name: &str,
        metrics: ConsumerMetrics,
        batches: mpsc::Sender<QueueBatch>,
    ) -> Result<Self, QueueError> {
        let (acknowledger, stored) = Acknowledger::new(setting, metrics.clone())?;
        Ok(Self {
            setting: setting.clone(),
            name: jornada_runtime::cache::holder_name(name),
            metrics,
            batches,
            stored,
            acknowledger,
            pending: Arc::new(Semaphore::new(MAX_PENDING_BATCHES)),
        })
    }

    /// Reads until the stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let Self {
            setting,
            name,
            metrics,
            batches,
            stored,
            acknowledger,
            pending,
        } = self;
        let acknowledging = tokio::spawn(acknowledger.run());
        let session = Session {
            setting,
            name,
            batches,
            stored,
            pending: Arc::clone(&pending),
        };
        while let Err(error) = session.read(&stop).await {
            warn!("the Redis consumer connects again: {error}");
            metrics.rebuilds.inc();
            stop.run_until_cancelled(sleep(RETRY_DELAY)).await;
        }
        info!("the Redis consumer stops");
        let Session {
            setting,
            name,
            batches,
            stored,
            ..
        } = session;
        // The receiver ends when it has taken the last batch, the acknowledger when each batch has ended.
        drop((batches, stored));
        timeout(STOP_TIMEOUT, acknowledging).await.ok();
        forget(&setting, &name, FORGET_AFTER).await.ok();
    }
}

/// Reads with one connection after the other.
struct Session {
    setting: RedisSetting,
    name: String,
    batches: mpsc::Sender<QueueBatch>,
    stored: mpsc::Sender<StoredEntries>,
    pending: Arc<Semaphore>,
}

impl Session {
    /// Reads until the stop or a failure. A read is never cancelled: what it returns would stay pending.
    async fn read(&self, stop: &CancellationToken) -> Result<(), QueueError> {
        if stop.is_cancelled() {
            return Ok(());
        }
        let connection = connection::lazy(&self.setting)?;
        admin::ensure_group(&connection, &self.setting).await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(BLOCK))
            .set_response_timeout(Some(BLOCK + connection::RESPONSE_TIMEOUT));
        let client = self.setting.client()?;
        let connected = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connected.await?;
        if !self.read_lost(&mut connection).await? {
            return Ok(());
        }
        let mut last_claim: Option<Instant> = None;
        let claim_interval = CLAIM_INTERVAL.min(self.setting.claim_after);
        while !stop.is_cancelled() {
            if last_claim.is_none_or(|at| at.elapsed() > claim_interval) {
                last_claim = Some(Instant::now());
                self.show_presence(&mut connection).await?;
                if !self.claim(&mut connection).await? {
                    return Ok(());
                }
            }
            let place = Arc::clone(&self.pending).acquire_owned();
            let Some(Ok(permit)) = stop.run_until_cancelled(place).await else {
                return Ok(());
            };
            let found = self.read_entries(&mut connection, NEW).await?;
            if !self.hand_out(found, permit).await {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Tells Redis 7.0 that this consumer is alive: it notices one that waits for new entries only when one comes. Reads what it
    /// holds behind an id that is never reached, because reading an entry again would make it look new to those that claim old
    /// ones.
    async fn show_presence(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), RedisError> {
        self.read_entries(connection, "9999999999999-0")
            .await
            .map(drop)
    }

    /// Reads again what this consumer had read when a connection failed: the answer may be lost. What is still in work is stored
    /// once all the same. Returns whether batches are still taken.
    async fn read_lost(&self, connection: &mut MultiplexedConnection) -> Result<bool, RedisError> {
        let mut from = "0".to_owned();
        loop {
            let Ok(permit) = Arc::clone(&self.pending).acquire_owned().await else {
                return Ok(false);
            };
            let held = self.read_entries(connection, &from).await?;
            let Some(last) = held.last().and_then(entries::id) else {
                return Ok(true);
            };
            from = last;
            if !self.hand_out(held, permit).await {
                return Ok(false);
            }
        }
    }

    /// Reads entries that no consumer has read ([`NEW`]), or those with ids above `from` that this consumer holds. Redis waits for
    /// new ones only.
    async fn read_entries(
        &self,
        connection: &mut MultiplexedConnection,
        from: &str,
    ) -> Result<Vec<Value>, RedisError> {
        let RedisSetting { stream, group, .. } = &self.setting;
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg(group).arg(&self.name);
        read.arg("COUNT").arg(MAX_RECORDS);
        read.arg("BLOCK").arg(BLOCK.as_millis().to_string());
        read.arg("STREAMS").arg(stream).arg(from);
        read.query_async(connection).await.map(entries::of_read)
    }

    /// Takes over the entries of consumers that died. Returns whether batches are still taken.
    async fn claim(&self, connection: &mut MultiplexedConnection) -> Result<bool, RedisError> {
        let RedisSetting { stream, group, .. } = &self.setting;
        let mut from = "0-0".to_owned();
        loop {
            let Ok(permit) = Arc::clone(&self.pending).acquire_owned().await else {
                return Ok(false);
            };
            let mut claim = redis::cmd("XAUTOCLAIM");
            claim.arg(stream).arg(group).arg(&self.name);
            claim
                .arg(self.setting.claim_after.as_millis().to_string())
                .arg(&from);
            claim.arg("COUNT").arg(MAX_RECORDS);
            let (next, found) = entries::of_claim(claim.query_async(connection).await?);
            if !found.is_empty() {
                info!("{} votes are taken over from another consumer", found.len());
            }
            if !self.hand_out(found, permit).await {
                return Ok(false);
            }
            if next == "0-0" {
                break;
            }
            from = next;
        }
        forget(&self.setting, "", FORGET_AFTER).await.ok();
        Ok(true)
    }

    /// Hands out a batch. Returns whether batches are still taken.
    async fn hand_out(&self, found: Vec<Value>, permit: OwnedSemaphorePermit) -> bool {
        let stream = &self.setting.stream;
        let records = found.into_iter();
        let records: Vec<_> = records
            .filter_map(|entry| entries::to_record(stream, entry))
            .collect();
        if records.is_empty() {
            return !self.batches.is_closed();
        }
        let pending = PendingEntries {
            ids: records.iter().map(|record| record.offset.clone()).collect(),
            permit,
            stored: self.stored.clone(),
        };
        let acknowledgement = Acknowledgement::new(move || pending.finish());
        let batch = QueueBatch {
            records,
            acknowledgement,
        };
        self.batches.send(batch).await.is_ok()
    }
}

/// Removes consumers that hold no entries from the group: this one, and those that were idle for long.
async fn forget(setting: &RedisSetting, name: &str, idle: Duration) -> Result<(), QueueError> {
    let mut call = FORGET.key(&setting.stream);
    call.arg(&setting.group)
        .arg(name)
        .arg(idle.as_millis().to_string());
    let mut connection = connection::lazy(setting)?;
    Ok(call.invoke_async(&mut connection).await?)
}
