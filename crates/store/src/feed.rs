//! Feed of the deltas of all campaigns, and the snapshot from which a rebuild continues.

mod batch;
mod mongo;
mod mongo_snapshot;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

pub use batch::{FeedBatch, FeedChange, FeedError, FeedPosition};
use mongo::MongoFeed;
use sqlite::SqliteFeed;

use crate::error::Result;
use crate::handle::{Store, StoreBackend, dispatch};
use jornada_domain::Campaign;

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
