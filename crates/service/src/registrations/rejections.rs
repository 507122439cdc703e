//! Counts rejected submissions by campaign, day and reason. Counts in memory and adds to the store every ten seconds
//! and at shutdown. A crash loses a few seconds of statistics, never a registration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use jornada_domain::{Campaign, CampaignId};
use jornada_runtime::background;
use jornada_store::{Store, StoreError};

/// Interval between flushes.
const FLUSH_INTERVAL: Duration = Duration::from_secs(10);

/// Counts by reason, per campaign and day in its time zone. Bounded: reasons are a closed set, days are few.
type CountsByDay = BTreeMap<(CampaignId, Date), BTreeMap<String, u64>>;

/// Rejections not yet added to the store. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct RejectionCounts(Arc<Mutex<CountsByDay>>);

impl RejectionCounts {
    /// Counts one rejection. `reason` must come from a closed set.
    pub fn count(&self, campaign: &Campaign, reason: &str, now: Timestamp) {
        let day = now.to_zoned(campaign.time_zone.clone()).date();
        let mut counts = self.0.lock();
        let of_day = counts.entry((campaign.id.clone(), day)).or_default();
        *of_day.entry(reason.to_owned()).or_default() += 1;
    }

    /// Flushes every ten seconds until `stop`. Call [`Self::flush`] afterwards for the remainder.
    pub async fn flush_until(self, store: Store, stop: CancellationToken) {
        let failure = "cannot store rejection counts";
        // A cancelled flush would lose the counts that it was adding.
        let mut flushing = background::every(FLUSH_INTERVAL, &stop);
        while flushing
            .attempt_uncancelled(failure, self.flush(&store))
            .await
        {}
    }

    /// Adds the counts to the store. After a failure they are added again: double counting a few is better than losing
    /// many.
    pub async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        loop {
            let Some(((campaign, day), counts)) = self.0.lock().pop_first() else {
                return Ok(());
            };
            if let Err(error) = store.add_rejections(&campaign, day, &counts).await {
                self.restore((campaign, day), counts);
                return Err(error);
            }
        }
    }

    fn restore(&self, of: (CampaignId, Date), counts: BTreeMap<String, u64>) {
        let mut all = self.0.lock();
        let of_day = all.entry(of).or_default();
        for (reason, count) in counts {
            *of_day.entry(reason).or_default() += count;
        }
    }
}
