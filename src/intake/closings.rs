//! What this instance knows of the campaigns that were closed before their time: asked of the store twice a second, so
//! that a campaign ends on every instance within a second, and at once on the one where it was closed.

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

/// Between two looks.
const TICK: Duration = Duration::from_millis(500);

/// The closings that this instance knows of. Cheap to clone: all clones know the same.
#[derive(Clone, Debug)]
pub struct Closings(Arc<watch::Sender<BTreeMap<CampaignId, Closing>>>);

impl Closings {
    /// Reads them for the first time: nothing is taken before it is known what is closed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open(store: &Store) -> Result<Self, StoreError> {
        let known = store.closings().await?;
        Ok(Self(Arc::new(watch::Sender::new(known))))
    }

    /// That of one campaign.
    #[must_use]
    pub fn of(&self, campaign: &CampaignId) -> Option<Closing> {
        self.0.borrow().get(campaign).cloned()
    }

    /// Whether a campaign takes registrations at `now`.
    #[must_use]
    pub fn opening(&self, campaign: &Campaign, now: Timestamp) -> Opening {
        campaign.opening_under(self.0.borrow().get(&campaign.id), now)
    }

    /// Until when a campaign takes registrations.
    #[must_use]
    pub fn end(&self, campaign: &Campaign) -> Timestamp {
        campaign.end_under(self.0.borrow().get(&campaign.id))
    }

    /// Asks the store once.
    ///
    /// # Errors
    /// When it does not answer: what was known stays.
    pub async fn look(&self, store: &Store) -> Result<(), StoreError> {
        let found = store.closings().await?;
        self.0.send_if_modified(|known| {
            let differs = *known != found;
            if differs {
                info!(closed = found.len(), "campaigns were closed or opened");
                *known = found;
            }
            differs
        });
        Ok(())
    }

    /// Looks until `stop`; a failure is logged once and followed by the next look.
    pub async fn keep(self, store: Store, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let looked = stop.run_until_cancelled(self.look(&store)).await;
            if let Some(Err(error)) = &looked
                && !failing
            {
                warn!("it is not known whether a campaign was closed since: {error:#}");
            }
            failing = matches!(looked, Some(Err(_)));
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
    }
}
