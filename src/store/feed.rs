//! The feed of what changed in one campaign, and the snapshot from which a rebuild goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{StoreError, mongo, sqlite};

/// A place in the feed of one campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Order among the changes: MongoDB's cluster time (seconds << 32 | increment), SQLite's row number. Two changes have
    /// the same when they are one correction.
    /// A snapshot at `at` holds exactly the changes whose `at` is not greater.
    pub at: u64,
    /// MongoDB's resume token as JSON, where the place is that of a change; a snapshot has none.
    pub token: Option<String>,
}

/// One change of the totals: a registration more or less. A correction that moves a registration from one value to
/// another is two of them, which always come in one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The tallied value.
    pub value: String,
    /// By how much its total changes.
    pub delta: i64,
    /// Where the feed stands just after it.
    pub position: Position,
}

impl Change {
    /// What a registration that was counted under one value, and is now under another, does to the totals.
    pub(super) fn of(
        was: Option<String>,
        now: Option<String>,
        position: &Position,
    ) -> impl Iterator<Item = Self> {
        let changes = [(was, -1), (now, 1)].into_iter();
        let change = |(value, delta): (Option<String>, i64)| {
            let position = position.clone();
            value.map(|value| Self {
                value,
                delta,
                position,
            })
        };
        changes.filter_map(change)
    }
}

/// The totals of a campaign at one point of its feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Registrations per tallied value; no zeroes.
    pub totals: BTreeMap<String, u64>,
    /// The feed goes on just after this.
    pub position: Position,
}

/// Why a feed cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The place is no longer in the store's history (an oplog that rolled over, a restored backup): rebuild.
    #[error("the feed no longer reaches back to this position")]
    Lost,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Most changes that one [`Feed::next`] answers with.
pub const MOST_CHANGES: u16 = 10_000;

/// The changes of one campaign, from a position on, in their order.
#[derive(Debug)]
pub struct Feed(Source);

#[derive(Debug)]
enum Source {
    Mongo(Box<mongo::MongoFeed>),
    Sqlite(sqlite::SqliteFeed),
}

impl Feed {
    /// All changes that are there now, at most [`MOST_CHANGES`], waiting at most `wait` (and on MongoDB up to
    /// 250 ms more) for the first. An empty answer means that at a moment after this call began nothing more than
    /// what was answered before had been committed (on a sharded cluster: as far as its slowest shard has told).
    /// Cancel-safe: a change that was not answered with comes with the next call.
    ///
    /// # Errors
    /// [`FeedError::Lost`]; [`FeedError::Store`], after which the feed may be asked again.
    pub async fn next(&mut self, wait: Duration) -> Result<Vec<Change>, FeedError> {
        match &mut self.0 {
            Source::Mongo(feed) => feed.next(wait).await,
            Source::Sqlite(feed) => feed.next(wait).await,
        }
    }
}

impl From<mongo::MongoFeed> for Feed {
    fn from(feed: mongo::MongoFeed) -> Self {
        Self(Source::Mongo(Box::new(feed)))
    }
}

impl From<sqlite::SqliteFeed> for Feed {
    fn from(feed: sqlite::SqliteFeed) -> Self {
        Self(Source::Sqlite(feed))
    }
}
