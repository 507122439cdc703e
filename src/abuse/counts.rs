//! Where is counted: in Redis for all instances, in memory alone or while Redis is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::attempts::Counted;
use super::memory::Memory;
use super::rate::Draw;
use super::redis::Shared;
use crate::cache::CacheSetting;

/// For how long Redis is not asked after it failed: nobody waits for it twice.
const REST: SignedDuration = SignedDuration::from_secs(3);

/// The counts; cheap to clone.
#[derive(Clone, Debug)]
pub struct Counts {
    redis: Option<Shared>,
    memory: Arc<Memory>,
    /// Until when Redis is left alone, in milliseconds.
    rests_until: Arc<AtomicI64>,
}

impl Counts {
    /// Opens what was set. Does not wait for Redis: it may be away.
    ///
    /// # Errors
    /// An address of Redis that cannot be one.
    pub fn open(setting: &CacheSetting) -> anyhow::Result<Self> {
        let redis = match setting {
            CacheSetting::Memory => None,
            CacheSetting::Redis(url) => Some(Shared::open(url)?),
        };
        Ok(Self {
            redis,
            memory: Arc::default(),
            rests_until: Arc::default(),
        })
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// How long whoever tries must wait; then it was not counted.
    pub async fn attempt(&self, counted: &[Counted], now: Timestamp) -> Result<(), SignedDuration> {
        let shared = self.ask(now, async |redis| redis.attempt(counted).await);
        match shared.await {
            Some(answer) => answer,
            None => self.memory.attempt(counted, now),
        }
    }

    /// Takes an attempt back that was right.
    pub async fn forgive(&self, counted: &[Counted], now: Timestamp) {
        self.memory.forgive(counted);
        self.ask(now, async |redis| redis.forgive(counted).await)
            .await;
    }

    /// Draws from rates: from all of them, or from none.
    ///
    /// # Errors
    /// How long until there is enough in each.
    pub async fn draw(&self, draws: &[Draw], now: Timestamp) -> Result<(), SignedDuration> {
        let shared = self.ask(now, async |redis| redis.draw(draws).await);
        match shared.await {
            Some(answer) => answer,
            None => self.memory.draw(draws, now),
        }
    }

    /// Gives back what was drawn and not used.
    pub async fn give_back(&self, draw: &Draw, now: Timestamp) {
        self.memory.give_back(draw);
        self.ask(now, async |redis| redis.give_back(draw).await)
            .await;
    }

    /// Uses a name up until then. Whether it was free, or used by the same before: a retry.
    pub async fn use_up(&self, name: &str, by: &str, until: Timestamp, now: Timestamp) -> bool {
        let rest = until.duration_since(now);
        let shared = self.ask(now, async |redis| redis.use_up(name, by, rest).await);
        match shared.await {
            Some(free) => free,
            None => self.memory.use_up(name, by, until, now),
        }
    }

    /// `None` without Redis, or without its answer.
    async fn ask<T>(
        &self,
        now: Timestamp,
        ask: impl AsyncFnOnce(&Shared) -> Result<T, redis::RedisError>,
    ) -> Option<T> {
        let redis = self.redis.as_ref()?;
        if now.as_millisecond() < self.rests_until.load(Ordering::Relaxed) {
            return None;
        }
        match ask(redis).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                let until = now.saturating_add(REST).unwrap_or(now).as_millisecond();
                if self.rests_until.swap(until, Ordering::Relaxed) < now.as_millisecond() {
                    warn!("limits are kept by this instance alone: {:?}", error.kind());
                }
                None
            }
        }
    }
}
