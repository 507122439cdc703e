//! Counts of the campaigns' tallies: an exact cache that can be rebuilt from the store at any time. One instance at a time
//! updates it from the store's feed ([`follower`]); every instance serves it ([`live_totals`]).

mod cache_state;
pub mod collector;
pub mod counts;
mod drift;
pub mod follower;
pub mod live_totals;
pub mod memory;
pub mod metrics;
pub mod minutes;
mod rebuild_pace;
pub mod redis;
pub mod snapshot_counter;

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use jornada_domain::{Campaign, CampaignId};
use jornada_runtime::cache::CacheSetting;
use jornada_runtime::metrics::Meter;
use jornada_store::FeedPosition;

pub use cache_state::{CacheState, CachedCampaign, LeaderTurn, RefreshRequests, TallyError};
use counts::{CampaignCounts, CountChanges};

/// Cache of the counts of all campaigns.
#[derive(Clone, Debug)]
pub struct TallyCache {
    backend: CacheBackend,
    meter: Meter,
}

#[derive(Clone, Debug)]
enum CacheBackend {
    /// In memory of this process.
    Memory(memory::MemoryCounts),
    /// In Redis, shared by all instances.
    Redis(redis::RedisCounts),
}

/// Calls the back end and records duration and outcome under a label. The memory back end cannot fail.
macro_rules! dispatch {
    ($label:literal, $self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time($label, Box::pin(async {
            match &$self.backend {
                CacheBackend::Memory(memory) => Ok(memory.$operation($($argument),*)),
                CacheBackend::Redis(redis) => redis.$operation($($argument),*).await,
            }
        })).await
    };
}

impl TallyCache {
    /// Opens the configured back end for the counts of one store. Does not wait for Redis, which may be unavailable at the start.
    pub fn open(
        setting: &CacheSetting,
        store_id: Uuid,
        instance: &str,
    ) -> Result<Self, TallyError> {
        let backend = match setting {
            CacheSetting::Memory => CacheBackend::Memory(memory::MemoryCounts::default()),
            CacheSetting::Redis(url) => {
                CacheBackend::Redis(redis::RedisCounts::open(url, store_id, instance)?)
            }
        };
        Ok(Self {
            backend,
            meter: Meter::default(),
        })
    }

    /// Records operations with this meter.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Acquires or renews the lead and returns the refreshes that are due. `complete_at` is a time at which the counts were
    /// complete. One atomic step.
    pub async fn acquire_lead(
        &self,
        complete_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<LeaderTurn, TallyError> {
        dispatch!("turn", self.acquire_lead(complete_at, now))
    }

    /// Releases the lead, so that another instance need not wait until the lease expires.
    pub async fn resign(&self) -> Result<(), TallyError> {
        match &self.backend {
            CacheBackend::Memory(_) => Ok(()),
            CacheBackend::Redis(redis) => self.meter.time("resign", redis.resign()).await,
        }
    }

    /// Returns the state; `None` if there are no counts yet or Redis was emptied.
    pub async fn state(&self) -> Result<Option<CacheState>, TallyError> {
        dispatch!("state", self.state())
    }

    /// Returns the counts of a campaign.
    pub async fn counts(&self, campaign: &Campaign) -> Result<CampaignCounts, TallyError> {
        dispatch!("read", self.counts(campaign))
    }

    /// Adds changes to counts at position `from` and moves them to `to`, atomically. Returns false and changes nothing if
    /// they are at another position, because another leader moved them. Requests a refresh of campaigns of which a key without
    /// a count of its own got more: it may be one of the highest by now.
    ///
    /// # Errors
    /// After an error the changes may have been applied: read the state again.
    pub async fn add(
        &self,
        from: &FeedPosition,
        to: &FeedPosition,
        changes: &CountChanges,
    ) -> Result<bool, TallyError> {
        dispatch!("add", self.add(from, to, changes))
    }

    /// Replaces the counts of some campaigns, if all are at position `from` (`None`: there are none), and moves them to
    /// `to`, atomically. Returns false and changes nothing if they are at another position.
    pub async fn replace(
        &self,
        from: Option<&FeedPosition>,
        to: &FeedPosition,
        counts: &[(Arc<Campaign>, CampaignCounts)],
        now: Timestamp,
    ) -> Result<bool, TallyError> {
        dispatch!("replace", self.replace(from, to, counts, now))
    }

    /// Requests a refresh of a campaign from the store by the leader, which does at most one in 30 s.
    pub async fn request_refresh(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        dispatch!("ask_refresh", self.request_refresh(campaign))
    }

    /// Removes the request of a refresh that is done, unless it was requested again since it had this many requests. Until
    /// then it remains, so that another leader does what a killed one had begun.
    pub async fn finish_refresh(
        &self,
        campaign: &CampaignId,
        requests: u64,
    ) -> Result<(), TallyError> {
        dispatch!("finish_refresh", self.finish_refresh(campaign, requests))
    }

    /// Checks that the cache answers.
    pub async fn ping(&self) -> Result<(), TallyError> {
        match &self.backend {
            CacheBackend::Memory(_) => Ok(()),
            CacheBackend::Redis(redis) => self.meter.time("ping", redis.ping()).await,
        }
    }
}
