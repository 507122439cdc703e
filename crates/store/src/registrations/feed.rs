//! Feed of the changes to a campaign's totals, and the snapshot from which a rebuild continues.

pub(super) mod change;
mod mongo;
pub(crate) mod sqlite;

use std::time::Duration;

use change::{Change, FeedError, FeedPosition, TotalsSnapshot};
use mongo::MongoFeed;
use sqlite::SqliteFeed;

use crate::error::Result;
use crate::handle::{Store, StoreBackend, dispatch};
use jornada_domain::CampaignId;

/// Changes of one campaign after a position, in order.
#[derive(Debug)]
pub struct Feed(FeedBackend);

#[derive(Debug)]
enum FeedBackend {
    Mongo(Box<MongoFeed>),
    Sqlite(SqliteFeed),
}

impl Feed {
    /// Returns the changes available now, up to 10,000. Waits up to `wait` for the first (MongoDB: up to 250
    /// ms longer). An empty batch means: at some moment after this call began, nothing else was committed than what
    /// was returned before (sharded cluster: as far as its slowest shard has reported). Cancel-safe: a change that was
    /// not returned comes with the next call.
    ///
    /// # Errors
    /// [`FeedError::Lost`]; [`FeedError::Store`], after which the feed may be polled again.
    pub async fn next(&mut self, wait: Duration) -> Result<Vec<Change>, FeedError> {
        match &mut self.0 {
            FeedBackend::Mongo(feed) => feed.next(wait).await,
            FeedBackend::Sqlite(feed) => feed.next(wait).await,
        }
    }
}

impl Store {
    /// Counts the totals of a campaign, and returns them with the feed position at which they hold.
    pub async fn snapshot(&self, campaign: &CampaignId) -> Result<TotalsSnapshot> {
        dispatch!("snapshot", self.snapshot(campaign))
    }

    /// Opens the feed of a campaign after a position.
    ///
    /// # Errors
    /// [`FeedError::Lost`] if the store's history does not reach back to the position; [`Feed::next`] returns it too.
    pub async fn feed(
        &self,
        campaign: &CampaignId,
        after: &FeedPosition,
    ) -> Result<Feed, FeedError> {
        let (campaign, after) = (campaign.clone(), after.clone());
        let open = async {
            Ok(Feed(match &self.backend {
                StoreBackend::Mongo(store) => {
                    let feed = MongoFeed::open(store.clone(), campaign, after).await?;
                    FeedBackend::Mongo(Box::new(feed))
                }
                StoreBackend::Sqlite(store) => {
                    FeedBackend::Sqlite(SqliteFeed::open(store.clone(), campaign, after.at).await?)
                }
            }))
        };
        self.time("feed", open).await
    }
}
