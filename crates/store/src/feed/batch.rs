//! Batches of deltas, positions in the feed, and its errors.

use serde::{Deserialize, Serialize};

use crate::deltas::Delta;
use crate::error::StoreError;

/// Maximum number of deltas in a batch.
pub(super) const MAX_CHANGES: u16 = 10_000;

/// Stored size of the deltas of a batch, in bytes, after which it is returned.
pub(super) const MAX_CHANGES_BYTES: usize = 16 << 20;

/// A position in the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPosition {
    /// Order among deltas: MongoDB's cluster time (seconds << 32 | increment), SQLite's row number. Deltas of one
    /// transaction share it. A snapshot at `at` contains exactly the deltas whose `at` is not greater.
    pub at: u64,
    /// MongoDB's resume token as JSON; a snapshot has none.
    pub token: Option<String>,
    /// Id of a delta up to here in MongoDB, in hexadecimal, if there was one: a restored database may lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<String>,
}

impl FeedPosition {
    /// Returns the time up to which a feed at this position has read everything, as in `at`: also the time of writes
    /// without a delta. MongoDB's resume token begins with it: type (130), seconds and increment, in hexadecimal.
    pub fn reached(&self) -> u64 {
        let token = self.token.as_deref().map(serde_json::from_str);
        let token: Option<serde_json::Value> = token.and_then(serde_json::Result::ok);
        let data = token.as_ref().and_then(|token| token["_data"].as_str());
        let time = data.and_then(|data| data.strip_prefix("82")?.get(..16));
        let time = time.and_then(|time| u64::from_str_radix(time, 16).ok());
        time.unwrap_or_default().max(self.at)
    }
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
    /// Deltas, up to 10,000; less if they are large.
    pub changes: Vec<FeedChange>,
    /// Position after the batch. It moves on without deltas, too.
    pub position: FeedPosition,
    /// Whether nothing else was committed at some moment after the call began (sharded cluster: as far as its slowest
    /// shard has reported).
    pub is_complete: bool,
}

/// Why a feed cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The store's history no longer contains the position (oplog rolled over, backup restored), or a delta after it cannot
    /// be read: count anew.
    #[error("the feed no longer contains this position")]
    Lost,
    /// So much was written since the position that reading it takes longer than to count anew.
    #[error("the feed is too far behind this position")]
    Behind,
    /// Error of the store; the feed may be polled again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_tells_the_time_that_its_token_reached() {
        let at = |at, token: &str| {
            let token = Some(format!(r#"{{"_data":"{token}"}}"#));
            let delta = None;
            FeedPosition { at, token, delta }.reached()
        };
        let token = "8265A1B2C3000000072B0229296E04";
        assert_eq!(at(5, token), 0x65A1_B2C3_0000_0007);
        assert_eq!((at(5, "8265"), at(5, "X")), (5, 5));
        let json = r#"{"at":5,"token":null}"#;
        let old: FeedPosition = serde_json::from_str(json).unwrap();
        assert_eq!(old.reached(), 5);
        assert_eq!(
            serde_json::to_string(&old).unwrap(),
            json,
            "compared as text"
        );
    }
}
