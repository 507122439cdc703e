//! What Redis counts, for all instances, by its clock. One script a step, so that attempts at once are all counted; one
//! hash tag, so that a cluster keeps them together.

use std::sync::LazyLock;

use jiff::SignedDuration;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use secrecy::SecretString;

use super::attempts::{Counted, FORGET};
use super::rate::Draw;
use crate::cache;

static ATTEMPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("attempt.lua")));
static FORGIVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("forgive.lua")));
static DRAW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("draw.lua")));
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("give_back.lua")));
static USE_UP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("use_up.lua")));

/// Counts in Redis.
#[derive(Clone)]
pub(super) struct Shared(ConnectionManager);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn open(url: &SecretString) -> Result<Self, RedisError> {
        cache::connection(url).map(Self)
    }

    /// The inner error is the time to wait.
    pub(super) async fn attempt(
        &self,
        counted: &[Counted],
    ) -> Result<Result<(), SignedDuration>, RedisError> {
        let mut call = ATTEMPT.prepare_invoke();
        call.arg(FORGET.as_millis().to_string());
        for counted in counted {
            call.key(key(counted))
                .arg(counted.limit.free)
                .arg(counted.limit.longest.as_millis().to_string());
        }
        let wait: i64 = call.invoke_async(&mut self.0.clone()).await?;
        Ok(if wait > 0 {
            Err(SignedDuration::from_millis(wait))
        } else {
            Ok(())
        })
    }

    pub(super) async fn forgive(&self, counted: &[Counted]) -> Result<(), RedisError> {
        let mut call = FORGIVE.prepare_invoke();
        for counted in counted {
            call.key(key(counted)).arg(u8::from(counted.limit.forgets));
        }
        call.invoke_async(&mut self.0.clone()).await
    }

    /// The inner error is the time to wait.
    pub(super) async fn draw(
        &self,
        draws: &[Draw],
    ) -> Result<Result<(), SignedDuration>, RedisError> {
        let mut call = DRAW.prepare_invoke();
        for draw in draws {
            let (each, whole) = (draw.rate.each(), draw.rate.whole());
            call.key(drawn(draw)).arg(each).arg(whole);
        }
        let wait: i64 = call.invoke_async(&mut self.0.clone()).await?;
        Ok(if wait > 0 {
            Err(SignedDuration::from_micros(wait))
        } else {
            Ok(())
        })
    }

    pub(super) async fn give_back(&self, draw: &Draw) -> Result<(), RedisError> {
        let mut call = GIVE_BACK.prepare_invoke();
        call.key(drawn(draw)).arg(draw.rate.each());
        call.invoke_async(&mut self.0.clone()).await
    }

    pub(super) async fn use_up(
        &self,
        name: &str,
        by: &str,
        rest: SignedDuration,
    ) -> Result<bool, RedisError> {
        let rest = rest.as_millis().max(1).to_string();
        let mut call = USE_UP.prepare_invoke();
        call.key(format!("jornada:{{used}}:{name}"))
            .arg(by)
            .arg(rest);
        call.invoke_async(&mut self.0.clone()).await
    }
}

fn drawn(draw: &Draw) -> String {
    format!("jornada:{{rates}}:{}", draw.name)
}

fn key(counted: &Counted) -> String {
    format!("jornada:{{login}}:{}", counted.name)
}
