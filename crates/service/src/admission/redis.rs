//! Counters in Redis, shared by all instances, by the clock of Redis. Each operation is one script, so that parallel
//! requests are all counted. The keys of a script share a hash tag, so that a cluster stores them together.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use secrecy::SecretString;

use super::attempts::{AttemptKey, RETENTION};
use super::rate::RateBucket;
use super::refusal::{ProofUse, Refusal};
use jornada_runtime::cache;

static ATTEMPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("attempt.lua")));
static RESET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("reset.lua")));
static ADMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("admit.lua")));

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

    /// Returns unused tokens, takes one token from every bucket, and consumes the proof. The inner error says why not.
    pub(super) async fn admit(
        &self,
        returned: &[RateBucket],
        taken: &[RateBucket],
        proof: Option<&ProofUse>,
        now: Timestamp,
    ) -> Result<Result<(), Refusal>, RedisError> {
        let mut call = ADMIT.prepare_invoke();
        call.arg(returned.len()).arg(taken.len());
        for bucket in returned.iter().chain(taken) {
            call.key(bucket_key(bucket))
                .arg(bucket.rate.refill_interval())
                .arg(bucket.rate.fill_time());
        }
        if let Some(proof) = proof {
            let ttl = proof.expires_at.duration_since(now);
            call.key(format!("jornada:{{rates}}:proof:{}", proof.name))
                .arg(&proof.consumer)
                .arg(ttl.as_millis().max(1).to_string());
        }
        let wait: i64 = call.invoke_async(&mut self.0.clone()).await?;
        Ok(match wait {
            0 => Ok(()),
            ..0 => Err(Refusal::ProofUsed),
            1.. => Err(Refusal::Empty(SignedDuration::from_micros(wait))),
        })
    }
}

fn bucket_key(bucket: &RateBucket) -> String {
    format!("jornada:{{rates}}:{}", bucket.name)
}

fn attempt_key(key: &AttemptKey) -> String {
    format!("jornada:{{login}}:{}", key.name)
}
