//! What both back ends of the tally answer.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::store::Position;

/// The totals of a campaign as the tally has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Registrations per value; no zeroes.
    pub values: BTreeMap<String, u64>,
    /// Up to where in the store's feed they go.
    pub position: Position,
    /// When they were last known to be all there is.
    pub as_of: Timestamp,
}

/// What a follower is told at each turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Another instance leads.
    Wait,
    /// This one leads.
    Lead,
    /// This one leads, and a refresh was asked for and is due.
    Refresh,
}

/// Why the tally did not answer.
#[derive(Debug, thiserror::Error)]
pub enum TallyError {
    /// Redis cannot be reached or failed; the code, never a value.
    #[error("the cache is not available: {0}")]
    Unavailable(String),
    /// What it holds is not what this software writes.
    #[error("the cache holds something else: {0}")]
    Unreadable(&'static str),
}
