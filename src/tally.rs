//! Totals per value of the tallied field: a cache, always rebuildable from the store, and exact.
//! One instance at a time follows the store's feed ([`follow`]); every instance shows what it wrote ([`board`]).

pub mod board;
pub mod follow;
pub mod memory;
pub mod metrics;
pub mod redis;
pub mod shown;
mod totals;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::cache::CacheSetting;
use crate::domain::CampaignId;
use crate::store::{Change, Position, Snapshot};
use crate::telemetry::metrics::Meter;

pub use totals::{TallyError, Totals, Turn};

/// Where totals are kept.
#[derive(Clone, Debug)]
pub struct Tally {
    backend: Backend,
    meter: Meter,
}

#[derive(Clone, Debug)]
enum Backend {
    /// In this process.
    Memory(memory::MemoryTally),
    /// In Redis, for all instances.
    Redis(redis::RedisTally),
}

/// Hands a call to the back end; its time and outcome are noted under the method's name. This process's own memory
/// has no failures.
macro_rules! ask {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time(stringify!($operation), Box::pin(async {
            match &$self.backend {
                Backend::Memory(memory) => Ok(memory.$operation($($argument),*)),
                Backend::Redis(redis) => redis.$operation($($argument),*).await,
            }
        })).await
    };
}

impl Tally {
    /// Opens the tally that was set. Does not wait for Redis: it may be away at the start.
    ///
    /// # Errors
    /// An address that cannot be one.
    pub fn open(setting: &CacheSetting, instance: &str) -> Result<Self, TallyError> {
        let backend = match setting {
            CacheSetting::Memory => Backend::Memory(memory::MemoryTally::default()),
            CacheSetting::Redis(url) => Backend::Redis(redis::RedisTally::open(url, instance)?),
        };
        Ok(Self {
            backend,
            meter: Meter::default(),
        })
    }

    /// The same tally, whose operations are timed.
    #[must_use]
    pub fn timed(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Takes or keeps the lead of a campaign, says whether a refresh is due and, if the follower has
    /// `caught_up`, notes that the totals are all there is at `now`.
    ///
    /// # Errors
    /// [`TallyError`].
    pub async fn turn(
        &self,
        campaign: &CampaignId,
        caught_up: bool,
        now: Timestamp,
    ) -> Result<Turn, TallyError> {
        ask!(self.turn(campaign, caught_up, now))
    }

    /// Gives up the lead at once, so that another instance need not wait for the lease to end.
    ///
    /// # Errors
    /// [`TallyError`].
    pub async fn resign(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        match &self.backend {
            Backend::Memory(_) => Ok(()),
            Backend::Redis(redis) => self.meter.time("resign", redis.resign(campaign)).await,
        }
    }

    /// The totals, or `None` where there are none yet (or Redis was emptied).
    ///
    /// # Errors
    /// [`TallyError`].
    pub async fn read(&self, campaign: &CampaignId) -> Result<Option<Totals>, TallyError> {
        ask!(self.read(campaign))
    }

    /// Adds changes to totals that stand at `from`, and moves them to the last change, in one step.
    /// False, and nothing changed, when they stand elsewhere: somebody else has moved them.
    ///
    /// # Errors
    /// [`TallyError`]; whether it happened shows when the totals are read again.
    pub async fn add(
        &self,
        campaign: &CampaignId,
        from: &Position,
        changes: &[Change],
    ) -> Result<bool, TallyError> {
        let Some(last) = changes.last() else {
            return Ok(true);
        };
        let mut deltas: BTreeMap<&str, i64> = BTreeMap::new();
        for change in changes {
            *deltas.entry(&change.value).or_default() += change.delta;
        }
        ask!(self.add(campaign, from, &last.position, &deltas))
    }

    /// Replaces totals that stand at `from` (`None`: that do not exist) by a snapshot, in one step.
    /// False, and nothing changed, when they stand elsewhere.
    ///
    /// # Errors
    /// [`TallyError`].
    pub async fn replace(
        &self,
        campaign: &CampaignId,
        from: Option<&Position>,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<bool, TallyError> {
        ask!(self.replace(campaign, from, snapshot, now))
    }

    /// Asks the leader for a refresh from the store; it makes at most one in 30 s.
    ///
    /// # Errors
    /// [`TallyError`].
    pub async fn ask_refresh(&self, campaign: &CampaignId) -> Result<(), TallyError> {
        ask!(self.ask_refresh(campaign))
    }

    /// Asks whether the cache answers.
    ///
    /// # Errors
    /// [`TallyError`].
    pub async fn ping(&self) -> Result<(), TallyError> {
        match &self.backend {
            Backend::Memory(_) => Ok(()),
            Backend::Redis(redis) => self.meter.time("ping", redis.ping()).await,
        }
    }
}
