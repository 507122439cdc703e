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

use super::notification::{NotificationStage, NotificationState};
use super::setting::WatchConfig;
use super::store::history::Maintenance;
use jornada_runtime::cache;
use jornada_runtime::cache::CacheSetting;

/// Lease of the leader. It expires if the leader stops renewing it.
const LEASE_DURATION: Duration = Duration::from_secs(5);
/// Interval at which the lease is taken or renewed.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// Retention of the last notification about a target that no longer exists.
const RETENTION_MS: i64 = 7 * 24 * 3_600_000;

static PUBLISH_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("shared_state/publish.lua")));
static MAINTENANCE_SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("shared_state/maintenance.lua")));

/// Whether this watcher sends the mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// No Redis configured.
    Standalone,
    /// This watcher holds the lease.
    Leader,
    /// Another watcher holds the lease.
    Standby,
    /// Redis has not answered for longer than the lease.
    Unknown,
}

impl Leadership {
    /// Returns whether this watcher sends the mails.
    pub fn sends_mails(self) -> bool {
        matches!(self, Self::Standalone | Self::Leader | Self::Unknown)
    }
}

/// Last notification about each target, with the stored text for compare-and-set.
pub type SharedNotifications = BTreeMap<String, (NotificationState, String)>;

/// Handle to the shared state.
#[derive(Clone, Debug)]
pub struct SharedState {
    connection: ConnectionManager,
    watcher: String,
    lease_key: String,
    notifications_key: String,
    maintenance_key: String,
}

impl SharedState {
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
        let system = system_id(config);
        Ok(Self {
            connection: cache::lazy_connection(url)?,
            watcher: cache::holder_name(&config.instance),
            lease_key: format!("jornada:{{watch-{system}}}:lease"),
            notifications_key: format!("jornada:{{watch-{system}}}:told"),
            maintenance_key: format!("jornada:{{watch-{system}}}:pause"),
        })
    }

    /// Takes or renews the lease. Returns whether this watcher leads.
    pub async fn acquire_lease(&self) -> RedisResult<bool> {
        let (key, holder) = (&self.lease_key, &self.watcher);
        cache::acquire_lease(&self.connection, key, holder, LEASE_DURATION).await
    }

    /// Releases the lease. On an error it expires by itself.
    pub async fn release_lease(&self) -> RedisResult<()> {
        cache::release_lease(&self.connection, &self.lease_key, &self.watcher).await
    }

    /// Returns the last notification about every target.
    pub async fn read_notifications(&self) -> RedisResult<SharedNotifications> {
        let raw: BTreeMap<String, String> = redis::cmd("HGETALL")
            .arg(&self.notifications_key)
            .query_async(&mut self.connection.clone())
            .await?;
        let parsed = raw.into_iter().filter_map(|(target, text)| {
            let state = serde_json::from_str(&text).ok()?;
            Some((target, (state, text)))
        });
        Ok(parsed.collect())
    }

    /// Replaces the notification about a target. Returns `false` if it has changed since `notifications` was read, or
    /// if `must_lead` and another watcher leads.
    pub async fn publish(
        &self,
        notifications: &mut SharedNotifications,
        target: &str,
        state: NotificationState,
        must_lead: bool,
    ) -> RedisResult<bool> {
        let before = notifications.get(target).map_or("", |(_, text)| text);
        let text = serde_json::to_string(&state).unwrap_or_default();
        let written: bool = PUBLISH_SCRIPT
            .key(&self.lease_key)
            .key(&self.notifications_key)
            .arg(&self.watcher)
            .arg(u8::from(must_lead))
            .arg(target)
            .arg(before)
            .arg(&text)
            .invoke_async(&mut self.connection.clone())
            .await?;
        if written {
            notifications.insert(target.to_owned(), (state, text));
        }
        Ok(written)
    }

    /// Deletes old notifications of recoveries, so that addresses that are no longer used do not accumulate.
    pub async fn prune(
        &self,
        notifications: &SharedNotifications,
        now: Timestamp,
    ) -> RedisResult<()> {
        let is_old = |state: &NotificationState| {
            state.stage == NotificationStage::Resolved
                && now.as_millisecond() - state.at.as_millisecond() > RETENTION_MS
        };
        for (target, _) in notifications.iter().filter(|(_, (state, _))| is_old(state)) {
            let () = redis::cmd("HDEL")
                .arg(&self.notifications_key)
                .arg(target)
                .query_async(&mut self.connection.clone())
                .await?;
        }
        Ok(())
    }

    /// Offers the local maintenance and returns the one that applies to all watchers: the one that was set last.
    pub async fn agree_on_maintenance(
        &self,
        known: Option<&Maintenance>,
    ) -> RedisResult<Option<Maintenance>> {
        let set_at = known.map_or(0, |maintenance| maintenance.set_at.as_millisecond());
        let text = known.and_then(|maintenance| serde_json::to_string(maintenance).ok());
        let counts: String = MAINTENANCE_SCRIPT
            .key(&self.maintenance_key)
            .arg(set_at)
            .arg(text.unwrap_or_default())
            .arg(RETENTION_MS)
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(serde_json::from_str(&counts).ok())
    }
}

/// Returns a hash of the watched URLs, which identifies the system.
fn system_id(config: &WatchConfig) -> String {
    let mut urls: Vec<_> = config.watched.iter().map(|one| one.url.as_str()).collect();
    urls.sort_unstable();
    let hash = Sha256::digest(urls.join("\n"));
    data_encoding::HEXLOWER.encode(&hash[..8])
}

/// State of the leader election between two heartbeats.
#[derive(Debug)]
pub struct LeaderElection {
    leadership: Leadership,
    last_answer_at: Instant,
}

impl LeaderElection {
    /// Starts as standby: the first heartbeat decides.
    pub fn new(now: Instant) -> Self {
        Self {
            leadership: Leadership::Standby,
            last_answer_at: now,
        }
    }

    /// Processes the answer of Redis; `None` if it is unavailable. A leader stays leader until its lease expires.
    pub fn update(&mut self, answer: Option<bool>, now: Instant) -> Leadership {
        match answer {
            Some(leads) => {
                self.last_answer_at = now;
                self.leadership = if leads {
                    Leadership::Leader
                } else {
                    Leadership::Standby
                };
            }
            None if self.leadership == Leadership::Standby
                && now - self.last_answer_at >= LEASE_DURATION =>
            {
                self.leadership = Leadership::Unknown;
            }
            None => {}
        }
        self.leadership
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_redis_a_standby_sends_too() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut beats = LeaderElection::new(start);
        assert_eq!(beats.update(Some(false), after(1)), Leadership::Standby);
        assert_eq!(beats.update(None, after(3)), Leadership::Standby);
        assert_eq!(beats.update(None, after(6)), Leadership::Unknown);
        assert_eq!(beats.update(Some(false), after(7)), Leadership::Standby);
        assert_eq!(beats.update(Some(true), after(8)), Leadership::Leader);
        assert_eq!(beats.update(None, after(60)), Leadership::Leader);
        assert!(
            Leadership::Unknown.sends_mails()
                && Leadership::Leader.sends_mails()
                && !Leadership::Standby.sends_mails()
        );
    }
}
