//! Tally in Redis, shared by all instances. Keys use the campaign as hash tag, so that one campaign is on one cluster
//! node. Each change is one script that moves totals and position together, and only from the position that the caller
//! expects: a leader that lost its lease unnoticed cannot count twice.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use secrecy::SecretString;

use super::memory::REFRESH_INTERVAL;
use super::{LeaderTurn, TallyError, Totals};
use jornada_domain::CampaignId;
use jornada_runtime::cache;
use jornada_store::{FeedPosition, TotalsSnapshot};

/// Lease length in milliseconds.
const LEASE_MS: u64 = 5_000;

static TURN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/turn.lua")));
static ADD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/add.lua")));
static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/replace.lua")));

/// Totals in Redis.
#[derive(Clone, Debug)]
pub struct RedisTally {
    connection: ConnectionManager,
    leader: String,
}

impl RedisTally {
    pub(super) fn open(url: &SecretString, instance: &str) -> Result<Self, TallyError> {
        Ok(Self {
            connection: cache::lazy_connection(url)?,
            leader: cache::holder_name(instance),
        })
    }

    pub(super) async fn acquire_lead(
        &self,
        campaign: &CampaignId,
        caught_up: bool,
        now: Timestamp,
    ) -> Result<LeaderTurn, TallyError> {
        let keys = TallyKeys::new(campaign);
        let turn: u8 = TURN
            .key(keys.lease)
            .key(keys.meta)
            .key(keys.refresh_requested)
            .key(keys.refreshed)
            .arg(&self.leader)
            .arg(LEASE_MS)
            .arg(if caught_up {
                now.as_millisecond().to_string()
            } else {
                String::new()
            })
            .arg(REFRESH_INTERVAL.as_millis().to_string())
            .invoke_async(&mut self.connection.clone())
            .await?;
        match turn {
            0 => Ok(LeaderTurn::Follow),
            1 => Ok(LeaderTurn::Lead),
            _ => Ok(LeaderTurn::Refresh),
        }
    }

    pub(super) async fn resign(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        let lease = TallyKeys::new(campaign).lease;
        Ok(cache::release_lease(&self.connection, &lease, &self.leader).await?)
    }

    pub(super) async fn read(&self, campaign: &CampaignId) -> Result<Option<Totals>, TallyError> {
        let keys = TallyKeys::new(campaign);
        let (values, (position, as_of)): (BTreeMap<String, u64>, (Option<String>, Option<i64>)) =
            redis::pipe()
                .atomic()
                .hgetall(keys.totals)
                .hmget(keys.meta, &["position", "as_of"])
                .query_async(&mut self.connection.clone())
                .await?;
        let Some(position) = position else {
            return Ok(None);
        };
        let position =
            serde_json::from_str(&position).map_err(|_| TallyError::Unreadable("position"))?;
        let as_of = as_of.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Ok(Some(Totals {
            values,
            position,
            as_of: as_of.ok_or(TallyError::Unreadable("as_of"))?,
        }))
    }

    pub(super) async fn add(
        &self,
        campaign: &CampaignId,
        from: &FeedPosition,
        to: &FeedPosition,
        deltas: &BTreeMap<&str, i64>,
    ) -> Result<bool, TallyError> {
        let keys = TallyKeys::new(campaign);
        let mut call = ADD.key(keys.totals);
        call.key(keys.meta).arg(to_json(from)).arg(to_json(to));
        for (value, delta) in deltas {
            call.arg(*value).arg(*delta);
        }
        Ok(call.invoke_async(&mut self.connection.clone()).await?)
    }

    pub(super) async fn replace(
        &self,
        campaign: &CampaignId,
        from: Option<&FeedPosition>,
        snapshot: &TotalsSnapshot,
        now: Timestamp,
    ) -> Result<bool, TallyError> {
        let keys = TallyKeys::new(campaign);
        let mut call = REPLACE.key(keys.totals);
        call.key(keys.meta)
            .arg(from.map(to_json).unwrap_or_default())
            .arg(to_json(&snapshot.position))
            .arg(now.as_millisecond());
        for (value, total) in &snapshot.totals {
            call.arg(value).arg(*total);
        }
        Ok(call.invoke_async(&mut self.connection.clone()).await?)
    }

    pub(super) async fn request_refresh(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        let () = redis::cmd("SET")
            .arg(TallyKeys::new(campaign).refresh_requested)
            .arg(1)
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(())
    }

    pub(super) async fn ping(&self) -> Result<(), TallyError> {
        let () = redis::cmd("PING")
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(())
    }
}

struct TallyKeys {
    lease: String,
    totals: String,
    meta: String,
    refresh_requested: String,
    refreshed: String,
}

impl TallyKeys {
    fn new(campaign: &CampaignId) -> Self {
        let key = |name: &str| format!("jornada:{{{campaign}}}:{name}");
        Self {
            lease: key("lease"),
            totals: key("totals"),
            meta: key("meta"),
            refresh_requested: key("refresh-asked"),
            refreshed: key("refreshed"),
        }
    }
}

fn to_json(position: &FeedPosition) -> String {
    serde_json::to_string(position).expect("a number and a text are always JSON")
}

impl From<RedisError> for TallyError {
    fn from(error: RedisError) -> Self {
        Self::Unavailable(
            error
                .code()
                .map_or_else(|| format!("{:?}", error.kind()), str::to_owned),
        )
    }
}
