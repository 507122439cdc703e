//! Live totals of this instance: read from the tally twice a second, served from memory.
//! While the tally is unavailable the last totals stay, marked as stale.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::metrics::TallyMetrics;
use super::{Tally, Totals};
use jornada_domain::tally::{MergedTally, TallyCounts};
use jornada_domain::{Campaign, CampaignId, Tally as TallySpec};
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
    pub tally: Tally,
    /// Fallback while there are no totals to show.
    pub store: Store,
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

    /// Refreshes the totals of one campaign until `stop`.
    pub async fn refresh_until(
        self,
        campaign: Arc<Campaign>,
        source: TotalsSource,
        metrics: TallyMetrics,
        stop: CancellationToken,
    ) {
        let Some(place) = self.totals.get(&campaign.id) else {
            return;
        };
        let refresh = async || {
            let last = place.borrow().clone();
            let totals = source.read(&campaign.id, last.is_some()).await;
            let next = next_view(&campaign, totals, last.as_deref(), Timestamp::now());
            if let Some(next) = next {
                metrics.set_shown(&campaign.id, next.as_of, next.stale);
                place.send_replace(Some(Arc::new(next)));
            }
        };
        let mut first_polls = background::every(FIRST_POLL_INTERVAL, &stop);
        while place.borrow().is_none() && first_polls.run(refresh()).await {}
        let mut polls = background::every(POLL_INTERVAL, &stop);
        while polls.run(refresh()).await {}
    }
}

impl TotalsSource {
    /// Reads the totals, if there are any. If the tally is unavailable and this instance has nothing to show yet,
    /// counts in the store instead.
    async fn read(&self, campaign: &CampaignId, has_shown: bool) -> Option<Totals> {
        match self.tally.read(campaign).await {
            Ok(totals) => totals,
            Err(_) if has_shown => None,
            Err(_) => {
                let snapshot = self.store.snapshot(campaign).await.ok()?;
                Some(Totals {
                    values: snapshot.totals,
                    position: snapshot.position,
                    as_of: Timestamp::now(),
                })
            }
        }
    }
}

/// Returns the new public totals, or `None` if nothing changed.
fn next_view(
    campaign: &Campaign,
    totals: Option<Totals>,
    last: Option<&TotalsView>,
    now: Timestamp,
) -> Option<TotalsView> {
    let chart = match (totals, last) {
        (Some(totals), _) => TotalsView::from_totals(campaign, totals, now),
        (None, Some(last)) => TotalsView {
            stale: true,
            ..last.clone()
        },
        (None, None) => return None,
    };
    last.is_none_or(|last| *last != chart).then_some(chart)
}

/// Returns the text to show for a value of the tally field: the spelling that most people typed, if it is known.
pub fn value_label(campaign: &Campaign, totals: Option<&TotalsView>, value: &str) -> String {
    let known = totals.and_then(|totals| totals.labels.get(value)).cloned();
    known.unwrap_or_else(|| campaign.tally_field().default_label(value))
}

impl TotalsView {
    fn from_totals(campaign: &Campaign, totals: Totals, now: Timestamp) -> Self {
        let field = campaign.tally_field();
        let typed = |(value, count): (String, u64)| (vec![field.default_label(&value)], count);
        let counts = TallyCounts {
            counts: totals.values.into_iter().map(typed).collect(),
            others: 0,
        };
        let spec = campaign.staff_tally();
        let merged = spec.map(|spec| MergedTally::new(&campaign.fields, spec, &counts));
        let (mut values, mut labels) = (Vec::new(), BTreeMap::new());
        for row in merged.into_iter().flat_map(|merged| merged.rows) {
            let value = row.label.concat();
            labels.insert(row.key.concat(), value.clone());
            let count = row.count;
            values.push(ValueCount { value, count });
        }
        Self {
            campaign: campaign.id.to_string(),
            by: field.name.clone(),
            as_of: totals.as_of,
            stale: now.duration_since(totals.as_of) > STALE_AFTER,
            total: values.iter().map(|value| value.count).sum(),
            values,
            labels,
        }
    }

    /// Returns the counts of a tally. Only the tally of the staff area is counted yet; `None` for any other.
    pub fn tally_counts(&self, campaign: &Campaign, tally: &TallySpec) -> Option<TallyCounts> {
        let staff = campaign.staff_tally()?;
        let is_counted = (&tally.by, &tally.filter) == (&staff.by, &staff.filter);
        let values = self.values.iter();
        is_counted.then(|| TallyCounts {
            counts: values
                .map(|value| (vec![value.value.clone()], value.count))
                .collect(),
            others: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_store::FeedPosition;
    use jornada_testkit::campaign::example;

    fn totals(as_of: Timestamp) -> Totals {
        let values = [("Bogotá", 2), ("Cali", 7), ("Armenia", 2)];
        Totals {
            values: values
                .map(|(value, total)| (value.to_owned(), total))
                .into(),
            position: FeedPosition { at: 1, token: None },
            as_of,
        }
    }

    #[test]
    fn the_highest_comes_first() {
        let now = Timestamp::now();
        let chart = TotalsView::from_totals(&example(), totals(now), now);
        let order: Vec<_> = chart
            .values
            .iter()
            .map(|count| count.value.as_str())
            .collect();
        assert_eq!(order, ["Cali", "Armenia", "Bogotá"]);
        assert_eq!(
            (chart.total, chart.stale, chart.by.as_str()),
            (11, false, "ciudad")
        );
    }

    #[test]
    fn without_a_tally_the_last_totals_stay_and_are_stale() {
        let now = Timestamp::now();
        let last = next_view(&example(), Some(totals(now)), None, now).unwrap();
        let stale = next_view(&example(), None, Some(&last), now).unwrap();
        assert_eq!((stale.total, stale.stale), (11, true));
        assert_eq!(next_view(&example(), None, None, now), None);
    }
}
