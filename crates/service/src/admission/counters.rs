//! Counters in Redis for all instances; in memory without Redis, or while it is unavailable.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::RedisError;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::attempts::AttemptKey;
use super::local::LocalCounters;
use super::rate::RateBucket;
use super::redis::RedisCounters;
use super::refusal::{ProofUse, Refusal};
use super::returned::ReturnedTokens;
use jornada_runtime::background;

/// Pause after a failure of Redis, so that clients do not wait for its timeout again and again.
const RETRY_DELAY: SignedDuration = SignedDuration::from_secs(3);

/// Interval at which an instance without further calls returns unused tokens to Redis.
const RETURN_INTERVAL: Duration = Duration::from_secs(1);

/// Counts attempts, tokens and consumed proofs of work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AbuseCounters {
    redis: Option<RedisCounters>,
    local: Arc<LocalCounters>,
    /// Unused tokens that were taken from Redis.
    returned: Arc<ReturnedTokens>,
    /// Time of the next try after a failure of Redis, in milliseconds since the epoch.
    retry_at: Arc<AtomicI64>,
}

/// Where tokens were taken, and are refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenFrom {
    Redis,
    Memory,
}

impl AbuseCounters {
    /// Opens the counters: in this Redis, or in memory. Does not connect to Redis yet.
    pub fn open(redis: Option<&SecretString>) -> Result<Self, RedisError> {
        Ok(Self {
            redis: redis.map(RedisCounters::open).transpose()?,
            local: Arc::default(),
            returned: Arc::default(),
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

    /// Takes one token from every bucket and consumes the proof, in one call to Redis. Takes nothing if a bucket is empty.
    /// If another submission consumed the proof, the tokens are taken nevertheless.
    pub(super) async fn admit(
        &self,
        buckets: &[RateBucket],
        proof: Option<&ProofUse>,
        now: Timestamp,
    ) -> (Result<(), Refusal>, TakenFrom) {
        let shared = self.query_redis(now, async |redis| {
            redis
                .admit(&self.returned.take(), buckets, proof, now)
                .await
        });
        match shared.await {
            Some(admitted) => (admitted, TakenFrom::Redis),
            None => (self.local.admit(buckets, proof, now), TakenFrom::Memory),
        }
    }

    /// Returns an unused token to its bucket: in memory at once, in Redis with the next call.
    pub(super) fn refund(&self, bucket: RateBucket, from: TakenFrom) {
        match from {
            TakenFrom::Redis => self.returned.add(bucket),
            TakenFrom::Memory => self.local.refund(&bucket),
        }
    }

    /// Returns unused tokens to Redis every second until `stop`. Call [`Self::return_tokens`] afterwards for the remainder.
    pub async fn return_tokens_until(self, stop: CancellationToken) {
        let mut returning = background::every(RETURN_INTERVAL, &stop);
        while returning.run(self.return_tokens(Timestamp::now())).await {}
    }

    /// Returns unused tokens to Redis. If Redis fails, they return at the refill rate of their buckets.
    pub async fn return_tokens(&self, now: Timestamp) {
        let returned = self.returned.take();
        if !returned.is_empty() {
            self.query_redis(now, async |redis| {
                redis.admit(&returned, &[], None, now).await
            })
            .await;
        }
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
