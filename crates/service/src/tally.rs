//! Totals per value of the tallied field: an exact cache that can be rebuilt from the store at any time. One instance
//! at a time updates it from the store's feed ([`follower`]); every instance serves it ([`live_totals`]).

pub mod collector;
pub mod follower;
pub mod live_totals;
pub mod memory;
pub mod metrics;
pub mod redis;
mod totals;

use std::collections::BTreeMap;

use jiff::Timestamp;

use jornada_domain::CampaignId;
use jornada_runtime::cache::CacheSetting;
use jornada_runtime::metrics::Meter;
use jornada_store::{Change, FeedPosition, TotalsSnapshot};

pub use totals::{LeaderTurn, TallyError, Totals};

/// Store of totals.
#[derive(Clone, Debug)]
pub struct Tally {
    backend: TallyBackend,
    meter: Meter,
}

#[derive(Clone, Debug)]
enum TallyBackend {
    /// In memory of this process.
    Memory(memory::MemoryTally),
    /// In Redis, shared by all instances.
    Redis(redis::RedisTally),
}

/// Calls the back end and records duration and outcome under a label. The memory back end cannot fail.
macro_rules! dispatch {
    ($label:literal, $self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time($label, Box::pin(async {
            match &$self.backend {
                TallyBackend::Memory(memory) => Ok(memory.$operation($($argument),*)),
                TallyBackend::Redis(redis) => redis.$operation($($argument),*).await,
            }
        })).await
    };
}

impl Tally {
    /// Opens the configured back end. Does not wait for Redis, which may be unavailable at the start.
    pub fn open(setting: &CacheSetting, instance: &str) -> Result<Self, TallyError> {
        let backend = match setting {
            CacheSetting::Memory => TallyBackend::Memory(memory::MemoryTally::default()),
            CacheSetting::Redis(url) => {
                TallyBackend::Redis(redis::RedisTally::open(url, instance)?)
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

    /// Acquires or renews the lead of a campaign and returns whether a refresh is due. If the follower has `caught_up`,
    /// records that the totals are complete as of `now`. One atomic step.
    pub async fn acquire_lead(
        &self,
        campaign: &CampaignId,
        caught_up: bool,
        now: Timestamp,
    ) -> Result<LeaderTurn, TallyError> {
        dispatch!("turn", self.acquire_lead(campaign, caught_up, now))
    }

    /// Releases the lead, so that another instance need not wait until the lease expires.
    pub async fn resign(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        match &self.backend {
            TallyBackend::Memory(_) => Ok(()),
            TallyBackend::Redis(redis) => self.meter.time("resign", redis.resign(campaign)).await,
        }
    }

    /// Returns the totals; `None` if there are none yet or Redis was emptied.
    pub async fn read(&self, campaign: &CampaignId) -> Result<Option<Totals>, TallyError> {
        dispatch!("read", self.read(campaign))
    }

    /// Adds changes to totals at position `from` and advances them to the last change, atomically. Returns false and
    /// changes nothing if they are at another position, because another leader moved them.
    ///
    /// # Errors
    /// After an error the changes may have been applied: read the totals again.
    pub async fn add(
        &self,
        campaign: &CampaignId,
        from: &FeedPosition,
        changes: &[Change],
    ) -> Result<bool, TallyError> {
        let Some(last) = changes.last() else {
            return Ok(true);
        };
        let mut deltas: BTreeMap<&str, i64> = BTreeMap::new();
        for change in changes {
            *deltas.entry(&change.tally_value).or_default() += change.delta;
        }
        dispatch!("add", self.add(campaign, from, &last.position, &deltas))
    }

    /// Replaces totals at position `from` (`None`: totals that do not exist) by a snapshot, atomically. Returns false
    /// and changes nothing if they are at another position.
    pub async fn replace(
        &self,
        campaign: &CampaignId,
        from: Option<&FeedPosition>,
        snapshot: &TotalsSnapshot,
        now: Timestamp,
    ) -> Result<bool, TallyError> {
        dispatch!("replace", self.replace(campaign, from, snapshot, now))
    }

    /// Requests a refresh from the store by the leader, which does at most one in 30 s.
    pub async fn request_refresh(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        dispatch!("ask_refresh", self.request_refresh(campaign))
    }

    /// Checks that the cache answers.
    pub async fn ping(&self) -> Result<(), TallyError> {
        match &self.backend {
            TallyBackend::Memory(_) => Ok(()),
            TallyBackend::Redis(redis) => self.meter.time("ping", redis.ping()).await,
        }
    }
}
