//! Live totals of this instance: read from the cache twice a second, served from memory.
//! While the cache is unavailable the last totals stay, marked as stale.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::counts::{CampaignCounts, definition};
use super::metrics::TallyMetrics;
use super::snapshot_counter::count_campaigns;
use super::{CacheState, TallyCache, TallyError};
use jornada_domain::tally::{MergedTally, TallyCounts};
use jornada_domain::{Campaign, CampaignId, Tally};
use jornada_runtime::background;
use jornada_store::Store;

/// Polling interval, and so the shortest time between two visible changes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Polling interval until the first totals arrive.
const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Time since the last confirmation after which totals are stale.
const STALE_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Exact totals of a campaign by its tally field, for the staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalsView {
    /// Id of the campaign.
    pub campaign: String,
    /// Name of the tallied field.
    pub by: String,
    /// Time at which the totals were last known to be complete.
    pub as_of: Timestamp,
    /// True if `as_of` is so old that the totals may have changed.
    pub stale: bool,
    /// Sum of all counts.
    pub total: u64,
    /// Highest count first, equal counts by value.
    pub values: Vec<ValueCount>,
    /// The value as it is shown, by the value under which it is counted.
    pub labels: BTreeMap<String, String>,
    /// Counts of all tallies.
    pub counts: Arc<CampaignCounts>,
}

/// Number of registrations with one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueCount {
    /// The value as it is shown, such as a city.
    pub value: String,
    /// Number of registrations.
    pub count: u64,
}

/// Last totals of each campaign; `None` until the first arrive. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveTotals {
    totals: Arc<HashMap<CampaignId, watch::Sender<Option<Arc<TotalsView>>>>>,
}

/// Sources of totals.
#[derive(Clone, Debug)]
pub struct TotalsSource {
    /// First choice.
    pub cache: TallyCache,
    /// Fallback while there are no totals to show.
    pub store: Store,
    /// Campaigns whose totals are shown.
    pub campaigns: Vec<Arc<Campaign>>,
}

impl LiveTotals {
    /// Creates live totals without values.
    pub fn new<'a>(campaigns: impl Iterator<Item = &'a CampaignId>) -> Self {
        let empty = |id: &CampaignId| (id.clone(), watch::Sender::new(None));
        Self {
            totals: Arc::new(campaigns.map(empty).collect()),
        }
    }

    /// Subscribes to the totals of a campaign; `None` for an unknown campaign.
    pub fn subscribe(
        &self,
        campaign: &CampaignId,
    ) -> Option<watch::Receiver<Option<Arc<TotalsView>>>> {
        self.totals.get(campaign).map(watch::Sender::subscribe)
    }

    /// Returns the last totals of a campaign, if any arrived yet.
    pub fn latest(&self, campaign: &CampaignId) -> Option<Arc<TotalsView>> {
        self.totals.get(campaign)?.borrow().clone()
    }

    /// Returns the text to show for a value of the tally field.
    pub fn label(&self, campaign: &Campaign, value: &str) -> String {
        value_label(campaign, self.latest(&campaign.id).as_deref(), value)
    }

    /// Refreshes the totals of all campaigns until `stop`. The cost depends on the campaigns that change.
    pub async fn refresh_until(
        self,
        source: TotalsSource,
        metrics: TallyMetrics,
        stop: CancellationToken,
    ) {
        let mut revisions = HashMap::new();
        let is_empty = || self.totals.values().any(|place| place.borrow().is_none());
        let mut first_polls = background::every(FIRST_POLL_INTERVAL, &stop);
        while is_empty()
            && first_polls
                .run(self.refresh(&source, &mut revisions, &metrics))
                .await
        {}
        let mut polls = background::every(POLL_INTERVAL, &stop);
        while polls
            .run(self.refresh(&source, &mut revisions, &metrics))
            .await
        {}
    }

    async fn refresh(
        &self,
        source: &TotalsSource,
        revisions: &mut HashMap<CampaignId, u64>,
        metrics: &TallyMetrics,
    ) {
        let state = source.cache.state().await;
        for campaign in &source.campaigns {
            let Some(place) = self.totals.get(&campaign.id) else {
                continue;
            };
            let last = place.borrow().clone();
            let now = Timestamp::now();
            let (counts, as_of) = match &state {
                Ok(Some(state)) => match source.cached_counts(campaign, state, revisions).await {
                    Ok(counts) => (counts, Some(state.as_of)),
                    Err(_) if last.is_none() => (source.count(campaign).await, None),
                    Err(_) => (None, last.as_ref().map(|last| last.as_of)),
                },
                Err(_) if last.is_none() => (source.count(campaign).await, None),
                _ => (None, None),
            };
            if let Some(next) = next_view(campaign, counts, as_of, last.as_deref(), now) {
                metrics.set_shown(&campaign.id, next.as_of, next.stale);
                place.send_replace(Some(Arc::new(next)));
            }
        }
    }
}

impl TotalsSource {
    /// Returns the counts of a campaign if they changed since the last call.
    ///
    /// # Errors
    /// The cache is unavailable, or has no counts by this campaign file.
    async fn cached_counts(
        &self,
        campaign: &Campaign,
        state: &CacheState,
        revisions: &mut HashMap<CampaignId, u64>,
    ) -> Result<Option<CampaignCounts>, TallyError> {
        let cached = state.campaigns.get(&campaign.id);
        let cached = cached.filter(|cached| cached.definition == definition(campaign));
        let revision = cached.ok_or(TallyError::Unreadable("definition"))?.revision;
        if revisions.get(&campaign.id) == Some(&revision) {
            return Ok(None);
        }
        let counts = self.cache.counts(campaign).await?;
        revisions.insert(campaign.id.clone(), revision);
        Ok(Some(counts))
    }

    /// Counts a campaign in the store.
    async fn count(&self, campaign: &Arc<Campaign>) -> Option<CampaignCounts> {
        let (mut counted, _) = count_campaigns(&self.store, vec![Arc::clone(campaign)])
            .await
            .ok()?;
        Some(counted.pop()?.1)
    }
}

/// Returns the new public totals, or `None` if nothing changed.
fn next_view(
    campaign: &Campaign,
    counts: Option<CampaignCounts>,
    as_of: Option<Timestamp>,
    last: Option<&TotalsView>,
    now: Timestamp,
) -> Option<TotalsView> {
    let is_stale = |as_of: Timestamp| now.duration_since(as_of) > STALE_AFTER;
    let next = match (counts, last) {
        (Some(counts), _) => {
            let as_of = as_of.unwrap_or(now);
            TotalsView::new(campaign, Arc::new(counts), as_of, is_stale(as_of))
        }
        (None, Some(last)) => TotalsView {
            as_of: as_of.unwrap_or(last.as_of),
            stale: as_of.is_none_or(is_stale),
            ..last.clone()
        },
        (None, None) => return None,
    };
    last.is_none_or(|last| *last != next).then_some(next)
}

/// Returns the text to show for a value of the tally field: the spelling that most people typed, if it is known.
pub fn value_label(campaign: &Campaign, totals: Option<&TotalsView>, value: &str) -> String {
    let known = totals.and_then(|totals| totals.labels.get(value)).cloned();
    known.unwrap_or_else(|| campaign.tally_field().default_label(value))
}

impl TotalsView {
    fn new(
        campaign: &Campaign,
        counts: Arc<CampaignCounts>,
        as_of: Timestamp,
        stale: bool,
    ) -> Self {
        let staff = campaign.staff_tally();
        let merged = staff.and_then(|tally| {
            let counts = counts.get(&tally.id)?;
            Some(MergedTally::new(&campaign.fields, tally, counts))
        });
        let total = merged.as_ref().map_or(0, MergedTally::total);
        let (mut values, mut labels) = (Vec::new(), BTreeMap::new());
        for row in merged.into_iter().flat_map(|merged| merged.rows) {
            let value = row.label.concat();
            labels.insert(row.key.concat(), value.clone());
            let count = row.count;
            values.push(ValueCount { value, count });
        }
        Self {
            campaign: campaign.id.to_string(),
            by: campaign.tally_field().name.clone(),
            as_of,
            stale,
            total,
            values,
            labels,
            counts,
        }
    }

    /// Returns the counts of a tally.
    pub fn tally_counts(&self, tally: &Tally) -> Option<&TallyCounts> {
        self.counts.get(&tally.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_domain::tally::TallyCounts;
    use jornada_testkit::campaign::example;

    fn counts() -> CampaignCounts {
        let counts = [("Bogotá", 2), ("Cali", 7), ("Armenia", 2)];
        let counts = TallyCounts {
            counts: counts
                .map(|(value, count)| (vec![value.to_owned()], count))
                .into(),
            others: 0,
        };
        [("ciudad".to_owned(), counts)].into()
    }

    #[test]
    fn the_highest_comes_first() {
        let chart = TotalsView::new(&example(), Arc::new(counts()), Timestamp::now(), false);
        let order: Vec<_> = chart
            .values
            .iter()
            .map(|count| count.value.as_str())
            .collect();
        assert_eq!(order, ["Cali", "Armenia", "Bogotá"]);
        assert_eq!((chart.total, chart.by.as_str()), (11, "ciudad"));
    }

    #[test]
    fn without_a_cache_the_last_totals_stay_and_are_stale() {
        let now = Timestamp::now();
        let last = next_view(&example(), Some(counts()), Some(now), None, now).unwrap();
        assert_eq!((last.total, last.stale), (11, false));
        let stale = next_view(&example(), None, None, Some(&last), now).unwrap();
        assert_eq!((stale.total, stale.stale), (11, true));
        assert_eq!(next_view(&example(), None, None, None, now), None);
    }

    #[test]
    fn unchanged_counts_are_confirmed() {
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::now());
        let last = next_view(&example(), Some(counts()), Some(then), None, now).unwrap();
        assert!(last.stale);
        let next = next_view(&example(), None, Some(now), Some(&last), now).unwrap();
        assert_eq!((next.as_of, next.stale, next.total), (now, false, 11));
    }
}
