//! The numbers that the staff see first: registrations of the last days by value, and why others were refused. Counting a
//! million takes seconds, so that an instance counts once for all who look, and shows with each count when it was taken.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::{Campaign, CampaignId};
use crate::store::{Store, StoreError};

/// Days of an overview; the last is today.
pub const DAYS: usize = 14;

/// A younger count is good enough.
const FRESH: Duration = Duration::from_secs(5);

/// A count is taken anew after so many times as long as it took: it never takes more than this part of the store.
const REST: u32 = 20;

/// Between two looks whether a day has begun that nothing was counted of.
const TICK: Duration = Duration::from_secs(5);

/// A count of one campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// When it was taken.
    pub as_of: Timestamp,
    /// The days, the oldest first, in the campaign's time zone.
    pub days: Vec<Date>,
    /// Registrations of each day by value; a value without any is left out.
    pub values: BTreeMap<String, Vec<u64>>,
    /// Refusals since the first of the days, by reason.
    pub refusals: BTreeMap<String, u64>,
}

/// The last count of each campaign on this instance.
#[derive(Clone, Debug)]
pub struct Overviews {
    store: Store,
    slots: Arc<Mutex<HashMap<CampaignId, Arc<Slot>>>>,
}

/// One campaign's count; who counts holds the lock of `counting`.
#[derive(Debug, Default)]
struct Slot {
    last: Mutex<Option<Taken>>,
    counting: Arc<tokio::sync::Mutex<()>>,
}

/// A count, and what it cost.
#[derive(Clone, Debug)]
struct Taken {
    overview: Arc<Overview>,
    at: Instant,
    took: Duration,
}

impl Overview {
    /// Registrations of each day, of these values or of all.
    #[must_use]
    pub fn of_days(&self, admits: impl Fn(&str) -> bool) -> Vec<u64> {
        let mut sums = vec![0; self.days.len()];
        for (_, counts) in self.values.iter().filter(|(value, _)| admits(value)) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sums
    }
}

impl Overviews {
    /// Overviews of what this store has.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            slots: Arc::default(),
        }
    }

    /// Counts before anybody looks, at once and when a day of a campaign begins, until `stop`.
    pub async fn keep_counted(self, campaigns: Vec<Arc<Campaign>>, stop: CancellationToken) {
        let counting = async {
            loop {
                self.count_all(&campaigns).await;
                sleep(TICK).await;
            }
        };
        stop.run_until_cancelled(counting).await;
    }

    /// Counts the campaigns of which there is no count of today. A store that does not answer is logged: whoever looks
    /// asks it again.
    pub async fn count_all(&self, campaigns: &[Arc<Campaign>]) {
        for campaign in campaigns {
            if let Err(error) = self.of_today(campaign, Timestamp::now()).await {
                warn!(campaign = %campaign.id, "nothing is counted for the overview: {error}");
            }
        }
    }

    /// The last count, at once; one that is no longer fresh is taken anew behind it. Who looks before the instance has
    /// counted, after its start and when a day begins, waits for that.
    ///
    /// # Errors
    /// When there is no count of today, and the store does not answer.
    pub async fn of(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> Result<Arc<Overview>, StoreError> {
        let taken = self.of_today(campaign, now).await?;
        if !taken.is_fresh() {
            self.refresh(campaign, now);
        }
        Ok(taken.overview)
    }

    /// The last count of today, fresh or not; without one it is taken.
    async fn of_today(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let slot = self.slot(&campaign.id);
        let days = last_days(campaign, now);
        if let Some(taken) = slot.of_days(&days) {
            return Ok(taken);
        }
        let _counting = slot.counting.lock().await;
        // Whoever counted before has counted for all who waited.
        match slot.of_days(&days) {
            Some(taken) => Ok(taken),
            None => self.count(&slot, campaign, days, now).await,
        }
    }

    /// Counts in the background, unless somebody does already.
    fn refresh(&self, campaign: &Arc<Campaign>, now: Timestamp) {
        let slot = self.slot(&campaign.id);
        let Ok(counting) = Arc::clone(&slot.counting).try_lock_owned() else {
            return;
        };
        let (overviews, campaign) = (self.clone(), Arc::clone(campaign));
        tokio::spawn(async move {
            let _counting = counting;
            let days = last_days(&campaign, now);
            // The last count stays, with its time, when the store does not answer.
            overviews.count(&slot, &campaign, days, now).await.ok();
        });
    }

    async fn count(
        &self,
        slot: &Slot,
        campaign: &Campaign,
        days: Vec<Date>,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let at = Instant::now();
        let bounds = bounds(campaign, &days);
        let values = self.store.days(&campaign.id, &bounds).await?;
        let since = days.first().copied().unwrap_or_default();
        let refusals = self.store.refusals(&campaign.id, since).await?;
        let overview = Overview {
            as_of: now,
            days,
            values,
            refusals,
        };
        let taken = Taken {
            overview: Arc::new(overview),
            at,
            took: at.elapsed(),
        };
        *slot.last() = Some(taken.clone());
        Ok(taken)
    }

    fn slot(&self, campaign: &CampaignId) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(campaign.clone()).or_default())
    }
}

impl Slot {
    fn last(&self) -> MutexGuard<'_, Option<Taken>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last count, if it is of these days.
    fn of_days(&self, days: &[Date]) -> Option<Taken> {
        let last = self.last().clone();
        last.filter(|taken| taken.overview.days == days)
    }
}

impl Taken {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH.max(self.took * REST)
    }
}

/// Today and the days before it.
fn last_days(campaign: &Campaign, now: Timestamp) -> Vec<Date> {
    let today = now.to_zoned(campaign.time_zone.clone()).date();
    let back = |days: usize| {
        let days = i64::try_from(days).unwrap_or_default();
        today.saturating_sub(days.days())
    };
    (0..DAYS).rev().map(back).collect()
}

/// The moments at which the days begin, and the last one ends: a day of a change of clocks is shorter or longer.
fn bounds(campaign: &Campaign, days: &[Date]) -> Vec<Timestamp> {
    let after = days.last().map(|last| last.saturating_add(1.days()));
    let begin = |day: Date| {
        let begin = day.to_zoned(campaign.time_zone.clone());
        begin.map_or(Timestamp::MAX, |begin| begin.timestamp())
    };
    days.iter().copied().chain(after).map(begin).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::campaign::tests::example;

    #[test]
    fn days_are_those_of_the_campaign() {
        let campaign = example();
        // In Bogotá it is still the day before.
        let now: Timestamp = "2026-03-01T04:59:59Z".parse().unwrap();
        let days = last_days(&campaign, now);
        assert_eq!(
            (days.len(), days[0], days[13]),
            (DAYS, date(2026, 2, 15), date(2026, 2, 28))
        );
        let bounds = bounds(&campaign, &days);
        assert_eq!(bounds.len(), DAYS + 1);
        assert_eq!(bounds[13].to_string(), "2026-02-28T05:00:00Z");
        assert_eq!(bounds[14].to_string(), "2026-03-01T05:00:00Z");
    }
}
