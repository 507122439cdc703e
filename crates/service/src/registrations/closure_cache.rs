//! Caches which campaigns staff closed early. Polls the store twice a second, so that a closure takes effect on every
//! instance within a second, and immediately on the one where it was made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use jornada_domain::campaign::CampaignStatus;
use jornada_domain::early_closure::EarlyClosure;
use jornada_domain::{Campaign, CampaignId};
use jornada_runtime::background;
use jornada_store::{Store, StoreError};

/// Polling interval.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Early closures known to this instance. Cheap to clone: clones share the cache.
#[derive(Clone, Debug)]
pub struct ClosureCache(Arc<watch::Sender<BTreeMap<CampaignId, EarlyClosure>>>);

impl ClosureCache {
    /// Loads the closures. Fails rather than start empty: a closed campaign must not accept registrations.
    pub async fn load(store: &Store) -> Result<Self, StoreError> {
        let known = store.closures().await?;
        Ok(Self(Arc::new(watch::Sender::new(known))))
    }

    /// Returns the closure of a campaign, if staff closed it early.
    pub fn closure(&self, campaign: &CampaignId) -> Option<EarlyClosure> {
        self.0.borrow().get(campaign).cloned()
    }

    /// Returns the status of a campaign at `now`.
    pub fn status(&self, campaign: &Campaign, now: Timestamp) -> CampaignStatus {
        campaign.status(self.0.borrow().get(&campaign.id), now)
    }

    /// Returns when a campaign closes, early closure included.
    pub fn closes_at(&self, campaign: &Campaign) -> Timestamp {
        campaign.effective_closes_at(self.0.borrow().get(&campaign.id))
    }

    /// Reads the closures from the store once. On failure the cached ones stay.
    pub async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let found = store.closures().await?;
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

    /// Refreshes the cache until `stop`.
    pub async fn poll_until(self, store: Store, stop: CancellationToken) {
        let failure = "cannot poll for closed campaigns";
        let mut polling = background::every(POLL_INTERVAL, &stop);
        while polling.attempt(failure, self.refresh(&store)).await {}
    }
}
