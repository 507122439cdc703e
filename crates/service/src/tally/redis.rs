//! Counts in Redis, shared by all instances. Each change is one script that moves counts and position together, and
//! only from the position that the caller expects: a leader that lost its lease unnoticed cannot count twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use secrecy::SecretString;
use uuid::Uuid;

use super::counts::{CampaignCounts, CountChanges, definition};
use super::memory::REFRESH_INTERVAL;
use super::minutes::{self, MINUTES};
use super::{CacheState, CachedCampaign, LeaderTurn, TallyError};
use jornada_domain::tally::{MAX_KEYS, TallyCounts};
use jornada_domain::{Campaign, CampaignId};
use jornada_runtime::cache;
use jornada_store::FeedPosition;

/// Lease length in milliseconds.
const LEASE_MS: u64 = 5_000;

/// Field of the count of all further keys. Keys are JSON arrays.
const OTHERS: &str = "others";

static TURN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/turn.lua")));
static ADD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/add.lua")));
static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("redis/replace.lua")));
static FINISH_REFRESH: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("redis/finish_refresh.lua")));

/// Counts in Redis.
#[derive(Clone, Debug)]
pub struct RedisCounts {
    connection: ConnectionManager,
    leader: String,
    keys: Arc<RedisKeys>,
}

/// Names of the keys. Those of one store have one hash tag, so that one script can change all on a cluster.
#[derive(Debug)]
struct RedisKeys {
    prefix: String,
    lease: String,
    /// Hash: position, time, and for each campaign its revision and the definition of its tallies.
    meta: String,
    /// Hash of requested refreshes: how many times, by campaign.
    refresh_requests: String,
    /// Hash of the times of the last refreshes, in milliseconds since 1970 UTC.
    refreshed: String,
}

impl RedisKeys {
    fn new(store_id: Uuid) -> Self {
        let prefix = format!("jornada:{{{}}}", store_id.simple());
        let key = |name| format!("{prefix}:{name}");
        Self {
            lease: key("lease"),
            meta: key("meta"),
            refresh_requests: key("refresh-requests"),
            refreshed: key("refreshed"),
            prefix,
        }
    }

    /// Hash of the counts of one tally.
    fn counts(&self, campaign: &CampaignId, tally: &str) -> String {
        format!("{}:counts:{campaign}:{tally}", self.prefix)
    }
}

impl RedisCounts {
    pub(super) fn open(
        url: &SecretString,
        store_id: Uuid,
        instance: &str,
    ) -> Result<Self, TallyError> {
        Ok(Self {
            connection: cache::lazy_connection(url)?,
            leader: cache::holder_name(instance),
            keys: Arc::new(RedisKeys::new(store_id)),
        })
    }

    pub(super) async fn acquire_lead(
        &self,
        complete_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<LeaderTurn, TallyError> {
        let complete_at = complete_at.map(|at| at.as_millisecond().to_string());
        let due: Option<Vec<(String, u64)>> = TURN
            .key(&self.keys.lease)
            .key(&self.keys.meta)
            .key(&self.keys.refresh_requests)
            .key(&self.keys.refreshed)
            .arg(&self.leader)
            .arg(LEASE_MS)
            .arg(complete_at.unwrap_or_default())
            .arg(now.as_millisecond())
            .arg(REFRESH_INTERVAL.as_millis().to_string())
            .invoke_async(&mut self.connection.clone())
            .await?;
        Ok(due.map_or(LeaderTurn::Follow, |due| {
            let request = |(id, requests): (String, u64)| Some((CampaignId::parse(&id)?, requests));
            LeaderTurn::Lead(due.into_iter().filter_map(request).collect())
        }))
    }

    pub(super) async fn resign(&self) -> Result<(), TallyError> {
        Ok(cache::release_lease(&self.connection, &self.keys.lease, &self.leader).await?)
    }

    pub(super) async fn state(&self) -> Result<Option<CacheState>, TallyError> {
        let meta: HashMap<String, String> = redis::cmd("HGETALL")
            .arg(&self.keys.meta)
            .query_async(&mut self.connection.clone())
            .await?;
        let Some(position) = meta.get("position") else {
            return Ok(None);
        };
        let as_of = meta.get("as_of").and_then(|ms| ms.parse().ok());
        let as_of = as_of.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Ok(Some(CacheState {
            position: serde_json::from_str(position)
                .map_err(|_| TallyError::Unreadable("position"))?,
            as_of: as_of.ok_or(TallyError::Unreadable("as_of"))?,
            campaigns: cached_campaigns(&meta),
        }))
    }

    pub(super) async fn counts(&self, campaign: &Campaign) -> Result<CampaignCounts, TallyError> {
        let mut read = redis::pipe();
        read.atomic();
        let ids = campaign.tallies.iter().map(|tally| tally.id.clone());
        let ids: Vec<_> = ids.chain([MINUTES.to_owned()]).collect();
        for id in &ids {
            read.hgetall(self.keys.counts(&campaign.id, id));
        }
        let found: Vec<HashMap<String, u64>> =
            read.query_async(&mut self.connection.clone()).await?;
        let counts = ids.into_iter().zip(found);
        let counts = counts.map(|(id, fields)| Ok((id, read_counts(fields)?)));
        let mut counts: CampaignCounts = counts.collect::<Result<_, TallyError>>()?;
        self.forget_minutes(&campaign.id, &counts).await?;
        counts.retain(|id, counts| id != MINUTES || !counts.counts.is_empty());
        Ok(counts)
    }

    /// Deletes minutes that are no longer shown. They do not change, so that any instance may do it.
    async fn forget_minutes(
        &self,
        campaign: &CampaignId,
        counts: &CampaignCounts,
    ) -> Result<(), TallyError> {
        let old = counts.get(MINUTES).map(minutes::outdated);
        let old: Vec<_> = old.iter().flatten().map(to_json).collect();
        if !old.is_empty() {
            let () = redis::cmd("HDEL")
                .arg(self.keys.counts(campaign, MINUTES))
                .arg(old)
                .query_async(&mut self.connection.clone())
                .await?;
        }
        Ok(())
    }

    pub(super) async fn add(
        &self,
        from: &FeedPosition,
        to: &FeedPosition,
        changes: &CountChanges,
    ) -> Result<bool, TallyError> {
        let mut call = ADD.key(&self.keys.meta);
        call.arg(to_json(from))
            .arg(to_json(to))
            .arg(MAX_KEYS)
            .arg(OTHERS);
        call.arg(changes.0.len());
        for campaign in changes.0.keys() {
            call.arg(campaign.as_str());
        }
        call.key(&self.keys.refresh_requests);
        for (number, (campaign, tallies)) in (1..).zip(&changes.0) {
            for tally in tallies.keys() {
                call.key(self.keys.counts(campaign, tally)).arg(number);
            }
        }
        let mut hash = 2;
        for tallies in changes.0.values() {
            for keys in tallies.values() {
                hash += 1;
                for (key, difference) in keys {
                    call.arg(hash).arg(to_json(key)).arg(*difference);
                }
            }
        }
        Ok(call.invoke_async(&mut self.connection.clone()).await?)
    }

    pub(super) async fn replace(
        &self,
        from: Option<&FeedPosition>,
        to: &FeedPosition,
        counts: &[(Arc<Campaign>, CampaignCounts)],
        now: Timestamp,
    ) -> Result<bool, TallyError> {
        let mut call = REPLACE.key(&self.keys.meta);
        call.arg(from.map(to_json).unwrap_or_default())
            .arg(to_json(to))
            .arg(now.as_millisecond())
            .arg(counts.len());
        for (campaign, _) in counts {
            call.arg(campaign.id.as_str()).arg(definition(campaign));
        }
        let mut hash = 1;
        for (campaign, tallies) in counts {
            for (tally, TallyCounts { counts, others }) in tallies {
                call.key(self.keys.counts(&campaign.id, tally));
                hash += 1;
                for (key, count) in counts {
                    call.arg(hash).arg(to_json(key)).arg(*count);
                }
                call.arg(hash).arg(OTHERS).arg(*others);
            }
        }
        let is_replaced = call.invoke_async(&mut self.connection.clone()).await?;
        for (campaign, _) in counts {
            if is_replaced && campaign.shows_votes() {
                let start = self.start_minutes(&campaign.id, now);
                let () = start.query_async(&mut self.connection.clone()).await?;
            }
        }
        Ok(is_replaced)
    }

    /// Returns the command that the votes per minute of a campaign are counted from now on, unless they are already.
    fn start_minutes(&self, campaign: &CampaignId, now: Timestamp) -> redis::Cmd {
        let (key, minute) = minutes::start(now);
        let hash = self.keys.counts(campaign, MINUTES);
        redis::Cmd::hset_nx(hash, to_json(&key), minute)
    }

    pub(super) async fn request_refresh(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        let () = redis::cmd("HINCRBY")
            .arg(&self.keys.refresh_requests)
            .arg(campaign.as_str())
            .arg(1)
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(())
    }

    pub(super) async fn finish_refresh(
        &self,
        campaign: &CampaignId,
        requests: u64,
    ) -> Result<(), TallyError> {
        let () = FINISH_REFRESH
            .key(&self.keys.refresh_requests)
            .arg(campaign.as_str())
            .arg(requests)
            .invoke_async(&mut self.connection.clone())
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

fn cached_campaigns(meta: &HashMap<String, String>) -> BTreeMap<CampaignId, CachedCampaign> {
    let campaign = |(field, revision): (&String, &String)| {
        let id = field.strip_prefix("revision:")?;
        let definition = meta.get(&format!("definition:{id}"))?;
        let cached = CachedCampaign {
            revision: revision.parse().ok()?,
            definition: definition.clone(),
        };
        Some((CampaignId::parse(id)?, cached))
    };
    meta.iter().filter_map(campaign).collect()
}

fn read_counts(mut fields: HashMap<String, u64>) -> Result<TallyCounts, TallyError> {
    let others = fields.remove(OTHERS).unwrap_or(0);
    let key = |key: &String| serde_json::from_str(key).map_err(|_| TallyError::Unreadable("key"));
    let counts = fields
        .iter()
        .map(|(field, count)| Ok((key(field)?, *count)));
    Ok(TallyCounts {
        counts: counts.collect::<Result<_, TallyError>>()?,
        others,
    })
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("numbers and texts are always JSON")
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
