//! State of the queue.

use std::time::{Duration, SystemTime};

/// State of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Number of records that are not stored.
    pub lag: u64,
    /// Age of the oldest of them, zero if there is none. `None` while unknown.
    pub oldest_age: Option<Duration>,
    /// Number of consumers that read.
    pub consumers: u64,
}

/// Returns the age of a time in milliseconds since 1970.
pub(crate) fn age(at_ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default();
    now.saturating_sub(Duration::from_millis(at_ms))
}
