//! Counters in Redis, shared by all instances, by the clock of Redis. Each operation is one script, so that parallel
//! requests are all counted. The keys of a script share a hash tag, so that a cluster stores them together.

use std::sync::LazyLock;

use jiff::SignedDuration;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use secrecy::SecretString;

use super::attempts::{AttemptKey, RETENTION};
use super::rate::RateBucket;
use jornada_runtime::cache;

static ATTEMPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("attempt.lua")));
static RESET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("reset.lua")));
static ACQUIRE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("acquire.lua")));
static REFUND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("refund.lua")));
static CONSUME_ONCE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("consume_once.lua")));

/// Counters in Redis.
#[derive(Clone, Debug)]
pub(super) struct RedisCounters(ConnectionManager);

impl RedisCounters {
    pub(super) fn open(url: &SecretString) -> Result<Self, RedisError> {
        cache::lazy_connection(url).map(Self)
    }

    /// The inner error is the time to wait.
    pub(super) async fn count_attempt(
        &self,
        keys: &[AttemptKey],
    ) -> Result<Result<(), SignedDuration>, RedisError> {
        let mut call = ATTEMPT.prepare_invoke();
        call.arg(RETENTION.as_millis().to_string());
        for key in keys {
            call.key(attempt_key(key))
                .arg(key.limit.free_attempts)
                .arg(key.limit.max_delay.as_millis().to_string());
        }
        let wait: i64 = call.invoke_async(&mut self.0.clone()).await?;
        Ok(if wait > 0 {
            Err(SignedDuration::from_millis(wait))
        } else {
            Ok(())
        })
    }

    pub(super) async fn reset(&self, keys: &[AttemptKey]) -> Result<(), RedisError> {
        let mut call = RESET.prepare_invoke();
        for key in keys {
            call.key(attempt_key(key)).arg(u8::from(key.limit.resets));
        }
        call.invoke_async(&mut self.0.clone()).await
    }

    /// The inner error is the time to wait.
    pub(super) async fn acquire(
        &self,
        buckets: &[RateBucket],
    ) -> Result<Result<(), SignedDuration>, RedisError> {
        let mut call = ACQUIRE.prepare_invoke();
        for bucket in buckets {
            call.key(bucket_key(bucket))
                .arg(bucket.rate.refill_interval())
                .arg(bucket.rate.fill_time());
        }
        let wait: i64 = call.invoke_async(&mut self.0.clone()).await?;
        Ok(if wait > 0 {
            Err(SignedDuration::from_micros(wait))
        } else {
            Ok(())
        })
    }

    pub(super) async fn refund(&self, bucket: &RateBucket) -> Result<(), RedisError> {
        let mut call = REFUND.prepare_invoke();
        call.key(bucket_key(bucket))
            .arg(bucket.rate.refill_interval());
        call.invoke_async(&mut self.0.clone()).await
    }

    pub(super) async fn consume_once(
        &self,
        name: &str,
        consumer: &str,
        ttl: SignedDuration,
    ) -> Result<bool, RedisError> {
        let mut call = CONSUME_ONCE.prepare_invoke();
        call.key(format!("jornada:{{used}}:{name}"))
            .arg(consumer)
            .arg(ttl.as_millis().max(1).to_string());
        call.invoke_async(&mut self.0.clone()).await
    }
}

fn bucket_key(bucket: &RateBucket) -> String {
    format!("jornada:{{rates}}:{}", bucket.name)
}

fn attempt_key(key: &AttemptKey) -> String {
    format!("jornada:{{login}}:{}", key.name)
}
