//! State shared by the watchers of one system in Redis: leadership, notifications, maintenance. A watcher without Redis
//! sends its own mails: a duplicate is better than no mail.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use redis::aio::ConnectionManager;
use redis::{RedisResult, Script};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::ledger::history::Pause;
use super::setting::WatchConfig;
use super::told::{Told, Word};
use crate::cache;
use crate::cache::CacheSetting;

/// Lease of the leader. It expires if the leader stops renewing it.
const LEASE: Duration = Duration::from_secs(5);
/// Interval at which the lease is taken or renewed.
pub const BEAT: Duration = Duration::from_secs(1);
/// Retention of the last notification about a target that no longer exists.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/lease.lua")));
static RESIGN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/resign.lua")));
static TELL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/tell.lua")));
static PAUSE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/pause.lua")));

/// Whether this watcher sends the mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// No Redis configured.
    Alone,
    /// This watcher holds the lease.
    Leads,
    /// Another watcher holds the lease.
    Waits,
    /// Redis has not answered for longer than the lease.
    Unknown,
}

impl Lead {
    /// Returns whether this watcher sends the mails.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::Alone | Self::Leads | Self::Unknown)
    }
}

/// Last notification about each target, with the stored text for compare-and-set.
pub type Words = BTreeMap<String, (Told, String)>;

/// Handle to the shared state.
#[derive(Clone)]
pub struct Share {
    connection: ConnectionManager,
    watcher: String,
    lease: String,
    told: String,
    pause: String,
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedState")
            .field("watcher", &self.watcher)
            .finish_non_exhaustive()
    }
}

impl Share {
    /// Creates the handle, or returns `None` if no Redis is configured. Connects on first use.
    pub fn open(config: &WatchConfig) -> anyhow::Result<Option<Self>> {
        match &config.cache {
            CacheSetting::Memory => Ok(None),
            CacheSetting::Redis(url) => Self::connect(url, config)
                .map(Some)
                .context("JORNADA_CACHE"),
        }
    }

    fn connect(url: &SecretString, config: &WatchConfig) -> RedisResult<Self> {
        let system = system(config);
        Ok(Self {
            connection: cache::connection(url)?,
            watcher: format!("{} {}", config.instance, uuid::Uuid::new_v4()),
            lease: format!("jornada:{{watch-{system}}}:lease"),
            told: format!("jornada:{{watch-{system}}}:told"),
            pause: format!("jornada:{{watch-{system}}}:pause"),
        })
    }

    /// Takes or renews the lease. Returns whether this watcher leads.
    pub async fn lead(&self) -> RedisResult<bool> {
        TAKE.key(&self.lease)
            .arg(&self.watcher)
            .arg(LEASE.as_millis().to_string())
            .invoke_async(&mut self.connection.clone())
            .await
    }

    /// Releases the lease. On an error it expires by itself.
    pub async fn resign(&self) -> RedisResult<()> {
        RESIGN
            .key(&self.lease)
            .arg(&self.watcher)
            .invoke_async(&mut self.connection.clone())
            .await
    }

    /// Returns the last notification about every target.
    pub async fn words(&self) -> RedisResult<Words> {
        let raw: BTreeMap<String, String> = redis::cmd("HGETALL")
            .arg(&self.told)
            .query_async(&mut self.connection.clone())
            .await?;
        let parsed = raw.into_iter().filter_map(|(target, text)| {
            let told = serde_json::from_str(&text).ok()?;
            Some((target, (told, text)))
        });
        Ok(parsed.collect())
    }

    /// Replaces the notification about a target. Returns `false` if it has changed since `words` was read, or if
    /// `must_lead` and another watcher leads.
    pub async fn tell(
        &self,
        words: &mut Words,
        target: &str,
        told: Told,
        must_lead: bool,
    ) -> RedisResult<bool> {
        let before = words.get(target).map_or("", |(_, text)| text);
        let text = serde_json::to_string(&told).unwrap_or_default();
        let written: bool = TELL
            .key(&self.lease)
            .key(&self.told)
            .arg(&self.watcher)
            .arg(u8::from(must_lead))
            .arg(target)
            .arg(before)
            .arg(&text)
            .invoke_async(&mut self.connection.clone())
            .await?;
        if written {
            words.insert(target.to_owned(), (told, text));
        }
        Ok(written)
    }

    /// Deletes old notifications of recoveries, so that changing addresses leave nothing behind.
    pub async fn prune(&self, words: &Words, now: Timestamp) -> RedisResult<()> {
        let is_old = |told: &Told| {
            told.word == Word::Resolved && now.as_millisecond() - told.at.as_millisecond() > KEPT_MS
        };
        for (target, _) in words.iter().filter(|(_, (told, _))| is_old(told)) {
            let () = redis::cmd("HDEL")
                .arg(&self.told)
                .arg(target)
                .query_async(&mut self.connection.clone())
                .await?;
        }
        Ok(())
    }

    /// Offers the local maintenance and returns the one that applies to all watchers: the one that was set last.
    pub async fn pause(&self, known: Option<&Pause>) -> RedisResult<Option<Pause>> {
        let set_at = known.map_or(0, |pause| pause.set_at.as_millisecond());
        let text = known.and_then(|pause| serde_json::to_string(pause).ok());
        let counts: String = PAUSE
            .key(&self.pause)
            .arg(set_at)
            .arg(text.unwrap_or_default())
            .arg(KEPT_MS)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(serde_json::from_str(&counts).ok())
    }
}

/// Returns a hash of the watched URLs, which identifies the system.
fn system(config: &WatchConfig) -> String {
    let mut urls: Vec<_> = config.watched.iter().map(|one| one.url.as_str()).collect();
    urls.sort_unstable();
    let hash = Sha256::digest(urls.join("\n"));
    data_encoding::HEXLOWER.encode(&hash[..8])
}

/// State of the leader election between two heartbeats.
#[derive(Debug)]
pub struct Beats {
    lead: Lead,
    heard_at: Instant,
}

impl Beats {
    /// Starts as standby: the first heartbeat decides.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            lead: Lead::Waits,
            heard_at: now,
        }
    }

    /// Processes the answer of Redis; `None` if it is unavailable. A leader stays leader meanwhile.
    pub fn beat(&mut self, answer: Option<bool>, now: Instant) -> Lead {
        match answer {
            Some(leads) => {
                self.heard_at = now;
                self.lead = if leads { Lead::Leads } else { Lead::Waits };
            }
            None if self.lead == Lead::Waits && now - self.heard_at >= LEASE => {
                self.lead = Lead::Unknown;
            }
            None => {}
        }
        self.lead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_redis_a_standby_sends_too() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut beats = Beats::new(start);
        assert_eq!(beats.beat(Some(false), after(1)), Lead::Waits);
        assert_eq!(beats.beat(None, after(3)), Lead::Waits);
        assert_eq!(beats.beat(None, after(6)), Lead::Unknown);
        assert_eq!(beats.beat(Some(false), after(7)), Lead::Waits);
        assert_eq!(beats.beat(Some(true), after(8)), Lead::Leads);
        assert_eq!(beats.beat(None, after(60)), Lead::Leads);
        assert!(Lead::Unknown.sends() && Lead::Leads.sends() && !Lead::Waits.sends());
    }
}
