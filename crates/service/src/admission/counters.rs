//! Counters in Redis for all instances; in memory without Redis, or while it is unavailable.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use redis::RedisError;
use secrecy::SecretString;
use tracing::warn;

use super::attempts::AttemptKey;
use super::local::LocalCounters;
use super::rate::RateBucket;
use super::redis::RedisCounters;

/// Pause after a failure of Redis, so that clients do not wait for its timeout again and again.
const RETRY_DELAY: SignedDuration = SignedDuration::from_secs(3);

/// Counts attempts, tokens and consumed names. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AbuseCounters {
    redis: Option<RedisCounters>,
    local: Arc<LocalCounters>,
    /// Time of the next try after a failure of Redis, in milliseconds since the epoch.
    retry_at: Arc<AtomicI64>,
}

impl AbuseCounters {
    /// Opens the counters: in this Redis, or in memory. Does not connect to Redis yet.
    pub fn open(redis: Option<&SecretString>) -> Result<Self, RedisError> {
        Ok(Self {
            redis: redis.map(RedisCounters::open).transpose()?,
            local: Arc::default(),
            retry_at: Arc::default(),
        })
    }

    /// Counts an attempt under each key, or returns the time to wait.
    pub async fn count_attempt(
        &self,
        keys: &[AttemptKey],
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let shared = self.query_redis(now, async |redis| redis.count_attempt(keys).await);
        let counted = shared.await;
        counted.unwrap_or_else(|| self.local.count_attempt(keys, now))
    }

    /// Deletes the count of a successful attempt, or refunds only that attempt, depending on the limit.
    pub async fn reset(&self, keys: &[AttemptKey], now: Timestamp) {
        self.local.reset(keys);
        self.query_redis(now, async |redis| redis.reset(keys).await)
            .await;
    }

    /// Takes one token from every bucket, or none and returns the time until every bucket has one.
    pub async fn acquire(
        &self,
        buckets: &[RateBucket],
        now: Timestamp,
    ) -> Result<(), SignedDuration> {
        let shared = self.query_redis(now, async |redis| redis.acquire(buckets).await);
        let acquired = shared.await;
        acquired.unwrap_or_else(|| self.local.acquire(buckets, now))
    }

    /// Returns an unused token to its bucket.
    pub async fn refund(&self, bucket: &RateBucket, now: Timestamp) {
        self.local.refund(bucket);
        self.query_redis(now, async |redis| redis.refund(bucket).await)
            .await;
    }

    /// Consumes a name until `expires_at`. Returns false if another consumer has used it; the same consumer may use it
    /// again, for a retry.
    pub async fn consume_once(
        &self,
        name: &str,
        consumer: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        let ttl = expires_at.duration_since(now);
        let shared = self.query_redis(now, async |redis| {
            redis.consume_once(name, consumer, ttl).await
        });
        let is_consumed = shared.await;
        is_consumed.unwrap_or_else(|| self.local.consume_once(name, consumer, expires_at, now))
    }

    /// Returns `None` without Redis, or if it does not answer.
    async fn query_redis<T>(
        &self,
        now: Timestamp,
        query: impl AsyncFnOnce(&RedisCounters) -> Result<T, RedisError>,
    ) -> Option<T> {
        let redis = self.redis.as_ref()?;
        if now.as_millisecond() < self.retry_at.load(Ordering::Relaxed) {
            return None;
        }
        match query(redis).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                let retry_at = now.saturating_add(RETRY_DELAY).unwrap_or(now);
                let before = self
                    .retry_at
                    .swap(retry_at.as_millisecond(), Ordering::Relaxed);
                if before < now.as_millisecond() {
                    warn!(
                        "Redis unavailable, counting limits on this instance only: {:?}",
                        error.kind()
                    );
                }
                None
            }
        }
    }
}
