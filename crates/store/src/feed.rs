//! Feed of the deltas of all campaigns, and the snapshot from which a rebuild continues.

mod mongo;
mod mongo_snapshot;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use mongo::MongoFeed;
use sqlite::SqliteFeed;

use crate::deltas::Delta;
use crate::error::{Result, StoreError};
use crate::handle::{Store, StoreBackend, dispatch};
use jornada_domain::Campaign;

/// Maximum number of deltas that one [`Feed::next`] returns.
const MAX_CHANGES: u16 = 10_000;

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

/// The deltas after a position, in order of commit.
#[derive(Debug)]
pub struct Feed(FeedBackend);

#[derive(Debug)]
enum FeedBackend {
    Mongo(Box<MongoFeed>),
    Sqlite(SqliteFeed),
}

impl Feed {
    /// Returns the deltas available now. Waits up to `wait` for the first (MongoDB: up to 250 ms longer). Cancel-safe: a
    /// delta that was not returned comes with the next call.
    pub async fn next(&mut self, wait: Duration) -> Result<FeedBatch, FeedError> {
        match &mut self.0 {
            FeedBackend::Mongo(feed) => feed.next(wait).await,
            FeedBackend::Sqlite(feed) => feed.next(wait).await,
        }
    }
}

impl Store {
    /// Opens the feed after a position.
    pub async fn feed(&self, after: &FeedPosition) -> Result<Feed, FeedError> {
        let open = async {
            Ok(Feed(match &self.backend {
                StoreBackend::Mongo(store) => {
                    let feed = MongoFeed::open(store.clone(), after.clone()).await?;
                    FeedBackend::Mongo(Box::new(feed))
                }
                StoreBackend::Sqlite(store) => {
                    FeedBackend::Sqlite(SqliteFeed::open(store.clone(), after.at).await?)
                }
            }))
        };
        self.time("feed", open).await
    }

    /// Counts the registrations of campaigns by their counted answers, all at one position of the feed. Extends the
    /// collection of each campaign by its groups: answers and count.
    pub async fn snapshot<C>(
        &self,
        campaigns: Vec<(Arc<Campaign>, C)>,
    ) -> Result<(Vec<C>, FeedPosition)>
    where
        C: Extend<(Vec<String>, u64)> + Send + 'static,
    {
        dispatch!("snapshot", self.snapshot(campaigns))
    }
}
