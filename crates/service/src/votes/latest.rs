//! The latest votes of each campaign for the results page: read at most once in two seconds, however many people watch.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::timeout;

use jornada_domain::vote::StoredVote;
use jornada_domain::{Campaign, CampaignId};
use jornada_store::{Store, VoteQuery};

/// Number of votes.
const LIMIT: u16 = 5;

/// Minimum time between two reads of a campaign.
const MIN_INTERVAL: Duration = Duration::from_secs(2);

/// Time after which a page shows the votes of the last read instead of waiting.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// The latest votes of each campaign.
#[derive(Debug)]
pub struct LatestVotes {
    store: Store,
    known: Mutex<HashMap<CampaignId, Read>>,
}

/// The last read of a campaign, which may be in progress.
#[derive(Clone, Debug, Default)]
struct Read {
    started_at: Option<Instant>,
    /// `None` until the first read.
    votes: Option<Arc<Vec<StoredVote>>>,
}

impl LatestVotes {
    /// Creates an empty cache over this store.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// Returns the latest votes of a campaign that were received before a time, newest first. While the store fails or is slow:
    /// those of the last read.
    pub async fn of(&self, campaign: &Arc<Campaign>, now: Timestamp) -> Arc<Vec<StoredVote>> {
        let last = {
            let mut known = self.known.lock();
            let read = known.entry(campaign.id.clone()).or_default();
            let is_fresh = |at: Instant| at.elapsed() < MIN_INTERVAL;
            // Until the first read is done, each request reads.
            if let Some(votes) = &read.votes
                && read.started_at.is_some_and(is_fresh)
            {
                return Arc::clone(votes);
            }
            read.started_at = Some(Instant::now());
            read.votes.clone().unwrap_or_default()
        };
        // A program may write a time of the future to the queue.
        let query = VoteQuery::newest(LIMIT, Some(now));
        let page = timeout(MAX_WAIT, self.store.list_votes(campaign, &query)).await;
        let Ok(Ok(page)) = page else { return last };
        let votes = Arc::new(page.votes);
        if let Some(read) = self.known.lock().get_mut(&campaign.id) {
            read.votes = Some(Arc::clone(&votes));
        }
        votes
    }
}
