//! Results of both back ends of the tally.

use std::collections::BTreeMap;

use jiff::Timestamp;

use jornada_store::FeedPosition;

/// Totals of a campaign, as cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Registrations per value, without zeroes.
    pub values: BTreeMap<String, u64>,
    /// Position in the store's feed up to which changes are included.
    pub position: FeedPosition,
    /// Time at which they were last known to be complete.
    pub as_of: Timestamp,
}

/// Result of acquiring the lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderTurn {
    /// Another instance leads.
    Follow,
    /// This instance leads.
    Lead,
    /// This instance leads, and a requested refresh is due.
    Refresh,
}

/// A tally operation that failed.
#[derive(Debug, thiserror::Error)]
pub enum TallyError {
    /// Redis is unreachable or failed. Carries the error code, never a value.
    #[error("cache unavailable: {0}")]
    Unavailable(String),
    /// A cached entry has an unknown format.
    #[error("cannot parse a cached entry: {0}")]
    Unreadable(&'static str),
}
