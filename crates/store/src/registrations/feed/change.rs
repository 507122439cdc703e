//! Changes to a campaign's totals, and positions among them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// A position in the feed of one campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPosition {
    /// Order among changes: MongoDB's cluster time (seconds << 32 | increment), SQLite's row number. The two changes
    /// of one correction share it.
    /// A snapshot at `at` contains exactly the changes whose `at` is not greater.
    pub at: u64,
    /// MongoDB's resume token as JSON, at the position of a change; a snapshot has none.
    pub token: Option<String>,
}

/// A change of one total. A correction that moves a registration to another value yields two, in the same batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Tallied value.
    pub tally_value: String,
    /// Amount by which the total changes.
    pub delta: i64,
    /// Position of the feed just after this change.
    pub position: FeedPosition,
}

impl Change {
    /// Returns the changes for a registration that counted under one value and now counts under another.
    pub(crate) fn between_values(
        before: Option<String>,
        after: Option<String>,
        position: &FeedPosition,
    ) -> impl Iterator<Item = Self> {
        let changes = [(before, -1), (after, 1)].into_iter();
        let change = |(value, delta): (Option<String>, i64)| {
            let position = position.clone();
            value.map(|value| Self {
                tally_value: value,
                delta,
                position,
            })
        };
        changes.filter_map(change)
    }
}

/// Totals of a campaign at one position of its feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalsSnapshot {
    /// Registrations per tallied value, without zeros.
    pub totals: BTreeMap<String, u64>,
    /// Position after which the feed continues.
    pub position: FeedPosition,
}

/// Why a feed cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The store's history no longer contains the position (oplog rolled over, backup restored): rebuild the totals.
    #[error("the feed no longer contains this position")]
    Lost,
    /// Error of the store; the feed may be polled again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Maximum number of changes that one [`Feed::next`](super::Feed::next) returns.
pub const MAX_CHANGES: u16 = 10_000;
