//! Batches of deltas, positions in the feed, and its errors.

use serde::{Deserialize, Serialize};

use crate::deltas::Delta;
use crate::error::StoreError;

/// Maximum number of deltas in a batch.
pub(super) const MAX_CHANGES: u16 = 10_000;

/// A position in the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPosition {
    /// Order among deltas: MongoDB's cluster time (seconds << 32 | increment), SQLite's row number. Deltas of one
    /// transaction share it. A snapshot at `at` contains exactly the deltas whose `at` is not greater.
    pub at: u64,
    /// MongoDB's resume token as JSON; a snapshot has none.
    pub token: Option<String>,
}

/// A delta in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedChange {
    /// Delta.
    pub delta: Delta,
    /// Position of the feed just after it.
    pub position: FeedPosition,
}

/// Deltas in order of commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedBatch {
    /// Deltas, up to 10,000.
    pub changes: Vec<FeedChange>,
    /// Position after the batch. It moves on without deltas, too.
    pub position: FeedPosition,
    /// Time up to which everything is read, as in [`FeedPosition::at`].
    pub reached: u64,
    /// Whether nothing else was committed at some moment after the call began (sharded cluster: as far as its slowest
    /// shard has reported).
    pub is_complete: bool,
}

/// Why a feed cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The store's history no longer contains the position (oplog rolled over, backup restored): count anew.
    #[error("the feed no longer contains this position")]
    Lost,
    /// So much was written since the position that reading it takes longer than to count anew.
    #[error("the feed is too far behind this position")]
    Behind,
    /// Error of the store; the feed may be polled again.
    #[error(transparent)]
    Store(#[from] StoreError),
}
