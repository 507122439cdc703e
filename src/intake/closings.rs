//! Caches which campaigns staff closed early. Polls the store twice a second, so that a closure takes effect on every
//! instance within a second, and immediately on the one where it was made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::domain::campaign::Opening;
use crate::domain::closing::Closing;
use crate::domain::{Campaign, CampaignId};
use crate::store::{Store, StoreError};

/// Polling interval.
const TICK: Duration = Duration::from_millis(500);

/// Early closures known to this instance. Cheap to clone: clones share the cache.
#[derive(Clone, Debug)]
pub struct Closings(Arc<watch::Sender<BTreeMap<CampaignId, Closing>>>);

impl Closings {
    /// Loads the closures. Fails rather than start empty: a closed campaign must not accept registrations.
    pub async fn open(store: &Store) -> Result<Self, StoreError> {
        let known = store.closings().await?;
        Ok(Self(Arc::new(watch::Sender::new(known))))
    }

    /// Returns the closure of a campaign, if staff closed it early.
    #[must_use]
    pub fn of(&self, campaign: &CampaignId) -> Option<Closing> {
        self.0.borrow().get(campaign).cloned()
    }

    /// Returns the status of a campaign at `now`.
    #[must_use]
    pub fn opening(&self, campaign: &Campaign, now: Timestamp) -> Opening {
        campaign.opening_under(self.0.borrow().get(&campaign.id), now)
    }

    /// Returns when a campaign closes, early closure included.
    #[must_use]
    pub fn end(&self, campaign: &Campaign) -> Timestamp {
        campaign.end_under(self.0.borrow().get(&campaign.id))
    }

    /// Reads the closures from the store once. On failure the cached ones stay.
    pub async fn look(&self, store: &Store) -> Result<(), StoreError> {
        let found = store.closings().await?;
        self.0.send_if_modified(|known| {
            let differs = *known != found;
            if differs {
                info!(closed = found.len(), "campaigns were closed or reopened");
                *known = found;
            }
            differs
        });
        Ok(())
    }

    /// Refreshes the cache until `stop`. Logs the first of several failures and retries.
    pub async fn keep(self, store: Store, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let looked = stop.run_until_cancelled(self.look(&store)).await;
            if let Some(Err(error)) = &looked
                && !failing
            {
                warn!("cannot poll for closed campaigns, retrying: {error:#}");
            }
            failing = matches!(looked, Some(Err(_)));
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
    }
}
