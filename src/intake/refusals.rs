//! Why people were turned away, by campaign, day and reason: counted in memory, and added to the store every few
//! seconds and at the end. What a crash takes with it is a few seconds of statistics, never a registration.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::{Campaign, CampaignId};
use crate::store::{Store, StoreError};

/// Between two additions to the store.
const TICK: Duration = Duration::from_secs(10);

/// By campaign and day in its time zone. Bounded: reasons are a closed set, and days are of this process's life.
type Counts = BTreeMap<(CampaignId, Date), BTreeMap<String, u64>>;

/// What was refused and is not yet in the store; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<Counts>>);

impl Refusals {
    /// Counts one reason (a word of a closed set).
    pub fn count(&self, campaign: &Campaign, reason: &str, now: Timestamp) {
        let day = now.to_zoned(campaign.time_zone.clone()).date();
        let mut counts = self.counts();
        let of_day = counts.entry((campaign.id.clone(), day)).or_default();
        *of_day.entry(reason.to_owned()).or_default() += 1;
    }

    /// Adds what was counted to the store every few seconds until `stop`; the rest is for [`Self::flush`].
    pub async fn keep_flushing(self, store: Store, stop: CancellationToken) {
        let mut failing = false;
        loop {
            let waited = stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
            if waited.is_none() {
                return;
            }
            let flushed = Box::pin(self.flush(&store)).await;
            if let Err(error) = &flushed
                && !failing
            {
                warn!("counts of refusals wait for the store: {error}");
            }
            failing = flushed.is_err();
        }
    }

    /// Adds what was counted to the store. What the store did not take, or did not say whether it took, is added
    /// the next time: of statistics, some counted twice are better than many lost.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        loop {
            let Some(((campaign, day), counts)) = self.counts().pop_first() else {
                return Ok(());
            };
            if let Err(error) = store.add_refusals(&campaign, day, &counts).await {
                self.put_back((campaign, day), counts);
                return Err(error);
            }
        }
    }

    fn put_back(&self, of: (CampaignId, Date), counts: BTreeMap<String, u64>) {
        let mut all = self.counts();
        let of_day = all.entry(of).or_default();
        for (reason, count) in counts {
            *of_day.entry(reason).or_default() += count;
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
