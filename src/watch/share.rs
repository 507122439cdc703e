//! Where the watchers of one system agree, in Redis: who sends, what has been told, whether there is maintenance.
//! A watcher that does not reach it sends for itself: rather twice than not at all.

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

/// A leader that has not been heard of for this long has lost the lead.
const LEASE: Duration = Duration::from_secs(5);
/// How often the lead is taken or kept.
pub const BEAT: Duration = Duration::from_secs(1);
/// For how long the last word about a target that is gone is kept.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/lease.lua")));
static RESIGN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/resign.lua")));
static TELL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/tell.lua")));
static PAUSE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("share/pause.lua")));

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// There is no Redis in the settings.
    Alone,
    /// This watcher.
    Leads,
    /// Another watcher.
    Waits,
    /// Redis has not answered for so long that nobody knows.
    Unknown,
}

impl Lead {
    /// Whether mails leave from here.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::Alone | Self::Leads | Self::Unknown)
    }
}

/// What stands in Redis about every target, with the text by which a change is guarded.
pub type Words = BTreeMap<String, (Told, String)>;

/// The watchers' common knowledge.
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
        f.debug_struct("Share")
            .field("watcher", &self.watcher)
            .finish_non_exhaustive()
    }
}

impl Share {
    /// Nothing where the settings name no Redis. It is connected to when it is first used.
    ///
    /// # Errors
    /// A URL that the client does not understand.
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

    /// Takes or keeps the lead.
    ///
    /// # Errors
    /// When Redis does not answer as it should.
    pub async fn lead(&self) -> RedisResult<bool> {
        TAKE.key(&self.lease)
            .arg(&self.watcher)
            .arg(LEASE.as_millis().to_string())
            .invoke_async(&mut self.connection.clone())
            .await
    }

    /// Gives up the lead.
    ///
    /// # Errors
    /// When Redis does not answer as it should; then the lease runs out by itself.
    pub async fn resign(&self) -> RedisResult<()> {
        RESIGN
            .key(&self.lease)
            .arg(&self.watcher)
            .invoke_async(&mut self.connection.clone())
            .await
    }

    /// The last word about every target.
    ///
    /// # Errors
    /// When Redis does not answer as it should.
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

    /// Writes the last word about a target in place of the one that was read; `false` when that has changed meanwhile,
    /// or when this watcher must lead for it and does not.
    ///
    /// # Errors
    /// When Redis does not answer as it should.
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

    /// Removes words that are over for long, so that addresses that come and go leave nothing.
    ///
    /// # Errors
    /// When Redis does not answer as it should.
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

    /// Offers the maintenance that is known here; answers the one that counts for all.
    ///
    /// # Errors
    /// When Redis does not answer as it should.
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

/// Watchers of one system watch the same URLs.
fn system(config: &WatchConfig) -> String {
    let mut urls: Vec<_> = config.watched.iter().map(|one| one.url.as_str()).collect();
    urls.sort_unstable();
    let hash = Sha256::digest(urls.join("\n"));
    data_encoding::HEXLOWER.encode(&hash[..8])
}

/// What is known of the lead from one beat to the next.
#[derive(Debug)]
pub struct Beats {
    lead: Lead,
    heard_at: Instant,
}

impl Beats {
    /// Before the first beat nobody is known to lead: mails wait for that long.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            lead: Lead::Waits,
            heard_at: now,
        }
    }

    /// Takes in one answer of Redis, or none. Who leads goes on leading while Redis is away.
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
    fn without_redis_both_send_rather_than_none() {
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
