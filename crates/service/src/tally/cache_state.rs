//! Results of both back ends of the cache.

use std::collections::BTreeMap;

use jiff::Timestamp;

use jornada_domain::CampaignId;
use jornada_store::FeedPosition;

/// State of the cached counts of all campaigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheState {
    /// Position in the store's feed up to which changes are included.
    pub position: FeedPosition,
    /// Time at which the counts were last known to be complete.
    pub as_of: Timestamp,
    /// Campaigns whose counts are cached.
    pub campaigns: BTreeMap<CampaignId, CachedCampaign>,
}

/// State of the cached counts of one campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedCampaign {
    /// Number that grows with every change of the counts.
    pub revision: u64,
    /// What is counted: see [`definition`](super::counts::definition).
    pub definition: String,
}

/// Result of acquiring the lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaderTurn {
    /// Another instance leads.
    Follow,
    /// This instance leads. Refreshes of these campaigns are due, each requested so many times since the last one.
    Lead(RefreshRequests),
}

/// Requested refreshes: the number of requests by campaign.
pub type RefreshRequests = BTreeMap<CampaignId, u64>;

/// A cache operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum TallyError {
    /// Redis is unreachable or failed. Carries the error code, never a value.
    #[error("cache unavailable: {0}")]
    Unavailable(String),
    /// A cached entry has an unknown format.
    #[error("cannot parse a cached entry: {0}")]
    Unreadable(&'static str),
}
