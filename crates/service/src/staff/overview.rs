//! The figures of the staff area's overview: registrations of the last days and in all, by value, and rejections by reason.
//!
//! Counting a million registrations takes seconds. So each instance caches the last count of each campaign, with its
//! time, and counts anew before it shows an old one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use jornada_domain::day_range::start_of_day;
use jornada_domain::{Campaign, CampaignId};
use jornada_runtime::background;
use jornada_store::{Store, StoreError};

/// Days in an overview, today included.
pub const DAYS: usize = 14;

/// Minimum time between two counts of a campaign.
const MIN_COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// Time for which a request waits for a new count.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Minimum time between two counts, as a multiple of the duration of the last one. Bounds counting to 1/20 of the time.
const COUNT_COST_FACTOR: u32 = 20;

/// Interval between checks for campaigns without a count of today.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The figures of one campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// When the count started.
    pub as_of: Timestamp,
    /// Days in the campaign's time zone, oldest first.
    pub days: Vec<Date>,
    /// Registrations per day, by tally value. Values without registrations are left out.
    pub values: BTreeMap<String, Vec<u64>>,
    /// Registrations before the first day, by tally value.
    pub earlier: BTreeMap<String, u64>,
    /// Rejections since the first day, by reason.
    pub rejections: BTreeMap<String, u64>,
}

/// Caches the last overview of each campaign.
#[derive(Clone, Debug)]
pub struct OverviewCache {
    store: Store,
    slots: Arc<Mutex<HashMap<CampaignId, Arc<Slot>>>>,
}

/// The cached overview of one campaign. The lock `counting` is held during a count.
#[derive(Debug, Default)]
struct Slot {
    last: Mutex<Option<TimedOverview>>,
    counting: Arc<tokio::sync::Mutex<()>>,
}

/// An overview with the duration of its count.
#[derive(Clone, Debug)]
struct TimedOverview {
    overview: Arc<Overview>,
    started_at: Instant,
    took: Duration,
}

impl Overview {
    /// Sums the registrations per day over the values that `admits` accepts.
    pub fn sum_by_day(&self, admits: impl Fn(&str) -> bool) -> Vec<u64> {
        let mut sums = vec![0; self.days.len()];
        for (_, counts) in self.values.iter().filter(|(value, _)| admits(value)) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sums
    }

    /// Sums all registrations over the values that `admits` accepts.
    pub fn sum(&self, admits: impl Fn(&str) -> bool) -> u64 {
        let earlier = self.earlier.iter().filter(|(value, _)| admits(value));
        let earlier: u64 = earlier.map(|(_, count)| count).sum();
        earlier + self.sum_by_day(admits).iter().sum::<u64>()
    }
}

impl OverviewCache {
    /// Creates an empty cache over this store.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            slots: Arc::default(),
        }
    }

    /// Counts at once, and again when a new day begins in a campaign's time zone, until `stop`.
    pub async fn refresh_until(self, campaigns: Vec<Arc<Campaign>>, stop: CancellationToken) {
        let mut polling = background::every(POLL_INTERVAL, &stop);
        while polling.run(self.count_missing(&campaigns)).await {}
    }

    /// Counts every campaign that has no count of today. Logs store failures; the next request tries again.
    pub async fn count_missing(&self, campaigns: &[Arc<Campaign>]) {
        for campaign in campaigns {
            if let Err(error) = self.fetch_todays(campaign, Timestamp::now()).await {
                warn!(campaign = %campaign.id, "cannot count registrations for the overview: {error}");
            }
        }
    }

    /// Returns a count of today. Takes an old one anew, and returns the old one if that takes longer than 2 s.
    pub async fn fetch(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> Result<Arc<Overview>, StoreError> {
        let taken = self.fetch_todays(campaign, now).await?;
        if taken.is_fresh() {
            return Ok(taken.overview);
        }
        self.refresh(campaign, now);
        let slot = self.slot(&campaign.id);
        // A count holds the lock until it ends.
        drop(timeout(MAX_WAIT, slot.counting.lock()).await);
        let latest = slot.last_for_days(&taken.overview.days);
        Ok(latest.unwrap_or(taken).overview)
    }

    /// Returns the last count of today, stale or not. Counts if there is none.
    async fn fetch_todays(
        &self,
        campaign: &Arc<Campaign>,
        now: Timestamp,
    ) -> Result<TimedOverview, StoreError> {
        let slot = self.slot(&campaign.id);
        let days = last_days(campaign, now);
        if let Some(taken) = slot.last_for_days(&days) {
            return Ok(taken);
        }
        let _counting = slot.counting.lock().await;
        // Another task may have counted while this one waited for the lock.
        match slot.last_for_days(&days) {
            Some(taken) => Ok(taken),
            None => self.count(&slot, campaign, days, now).await,
        }
    }

    /// Counts in the background, unless a count is running.
    fn refresh(&self, campaign: &Arc<Campaign>, now: Timestamp) {
        let slot = self.slot(&campaign.id);
        let Ok(counting) = Arc::clone(&slot.counting).try_lock_owned() else {
            return;
        };
        let (overviews, campaign) = (self.clone(), Arc::clone(campaign));
        tokio::spawn(async move {
            let _counting = counting;
            let days = last_days(&campaign, now);
            // If the store fails, the last count remains valid.
            overviews.count(&slot, &campaign, days, now).await.ok();
        });
    }

    async fn count(
        &self,
        slot: &Slot,
        campaign: &Campaign,
        days: Vec<Date>,
        now: Timestamp,
    ) -> Result<TimedOverview, StoreError> {
        let at = Instant::now();
        // Also what is before the first day, so that all numbers are of one moment.
        let bounds = [vec![Timestamp::UNIX_EPOCH], day_bounds(campaign, &days)].concat();
        let counts = self.store.count_by_day(&campaign.id, &bounds).await?;
        let (mut values, mut earlier) = (BTreeMap::new(), BTreeMap::new());
        for (value, mut counts) in counts {
            earlier.insert(value.clone(), counts.remove(0));
            values.insert(value, counts);
        }
        let since = days.first().copied().unwrap_or_default();
        let rejections = self.store.rejections(&campaign.id, since).await?;
        let overview = Overview {
            as_of: now,
            days,
            values,
            earlier,
            rejections,
        };
        let taken = TimedOverview {
            overview: Arc::new(overview),
            started_at: at,
            took: at.elapsed(),
        };
        *slot.last.lock() = Some(taken.clone());
        Ok(taken)
    }

    fn slot(&self, campaign: &CampaignId) -> Arc<Slot> {
        let mut slots = self.slots.lock();
        Arc::clone(slots.entry(campaign.clone()).or_default())
    }
}

impl Slot {
    /// Returns the last count if it covers exactly these days.
    fn last_for_days(&self, days: &[Date]) -> Option<TimedOverview> {
        let last = self.last.lock().clone();
        last.filter(|taken| taken.overview.days == days)
    }
}

impl TimedOverview {
    fn is_fresh(&self) -> bool {
        self.started_at.elapsed() < MIN_COUNT_INTERVAL.max(self.took * COUNT_COST_FACTOR)
    }
}

/// Returns the last [`DAYS`] days in the campaign's time zone, oldest first.
fn last_days(campaign: &Campaign, now: Timestamp) -> Vec<Date> {
    let today = now.to_zoned(campaign.time_zone.clone()).date();
    let back = |days: usize| {
        let days = i64::try_from(days).unwrap_or_default();
        today.saturating_sub(days.days())
    };
    (0..DAYS).rev().map(back).collect()
}

/// Returns the start of each day, and the end of the last. Days with a change to or from daylight saving time last 23
/// or 25 hours.
fn day_bounds(campaign: &Campaign, days: &[Date]) -> Vec<Timestamp> {
    let after = days.last().map(|last| last.saturating_add(1.days()));
    let begin = |day| start_of_day(day, &campaign.time_zone).unwrap_or(Timestamp::MAX);
    days.iter().copied().chain(after).map(begin).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use jornada_testkit::campaign::example;

    #[test]
    fn days_are_those_of_the_campaign() {
        let campaign = example();
        // It is still February 28 in Bogotá.
        let now: Timestamp = "2026-03-01T04:59:59Z".parse().unwrap();
        let days = last_days(&campaign, now);
        assert_eq!(
            (days.len(), days[0], days[13]),
            (DAYS, date(2026, 2, 15), date(2026, 2, 28))
        );
        let bounds = day_bounds(&campaign, &days);
        assert_eq!(bounds.len(), DAYS + 1);
        assert_eq!(bounds[13].to_string(), "2026-02-28T05:00:00Z");
        assert_eq!(bounds[14].to_string(), "2026-03-01T05:00:00Z");
    }
}
