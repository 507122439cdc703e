//! What this instance shows of the totals: read from the tally twice a second, made into an answer once, and
//! served from memory. When the tally is away the last totals stay, marked as stale.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::metrics::TallyMetrics;
use super::{Tally, Totals};
use crate::domain::{Campaign, CampaignId};
use crate::store::Store;

/// Time between two looks at the tally; so people see at most two changes a second.
const TICK: Duration = Duration::from_millis(500);
/// The same until there is a first chart.
const FIRST_TICK: Duration = Duration::from_millis(20);
/// Totals that nobody has confirmed for this long are stale.
const STALE_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// The totals of a campaign as everyone may see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Chart {
    /// Id of the campaign.
    pub campaign: String,
    /// Name of the field by whose values is counted.
    pub by: String,
    /// When the totals were last known to be all there is.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Whether that is so long ago that they may have changed.
    pub stale: bool,
    /// Sum of all counts.
    pub total: u64,
    /// Highest first; equal counts in the order of the names.
    pub values: Vec<Count>,
}

/// Registrations under one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Count {
    /// The value, such as a city.
    pub value: String,
    /// How many.
    pub count: u64,
}

/// A chart, and the answer made of it.
#[derive(Clone, Debug)]
pub struct Published {
    /// The chart.
    pub chart: Chart,
    /// The chart as JSON.
    pub json: Bytes,
    /// Weak entity tag (RFC 9110, 8.8.3): the same as long as counts and staleness are, whatever the time.
    pub etag: String,
}

/// The last chart of each campaign; `None` until there is one.
#[derive(Clone, Debug)]
pub struct Board {
    charts: Arc<HashMap<CampaignId, watch::Sender<Option<Arc<Published>>>>>,
}

/// Where a board has its totals from.
#[derive(Clone, Debug)]
pub struct Source {
    /// First.
    pub tally: Tally,
    /// Where there is nothing else.
    pub store: Store,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new<'a>(campaigns: impl Iterator<Item = &'a CampaignId>) -> Self {
        let empty = |id: &CampaignId| (id.clone(), watch::Sender::new(None));
        Self {
            charts: Arc::new(campaigns.map(empty).collect()),
        }
    }

    /// The chart of a campaign, now and whenever it changes; `None` for a campaign that is not on the board.
    #[must_use]
    pub fn watch(&self, campaign: &CampaignId) -> Option<watch::Receiver<Option<Arc<Published>>>> {
        self.charts.get(campaign).map(watch::Sender::subscribe)
    }

    /// The chart of a campaign, if there is one yet.
    #[must_use]
    pub fn read(&self, campaign: &CampaignId) -> Option<Arc<Published>> {
        self.charts.get(campaign)?.borrow().clone()
    }

    /// Keeps the chart of one campaign up to date until `stop`.
    pub async fn keep(
        self,
        campaign: Arc<Campaign>,
        source: Source,
        metrics: TallyMetrics,
        stop: CancellationToken,
    ) {
        let Some(place) = self.charts.get(&campaign.id) else {
            return;
        };
        let mut last = None;
        while let Some(totals) = stop
            .run_until_cancelled(source.totals(&campaign.id, last.is_some()))
            .await
        {
            if let Some(next) = next(&campaign, totals, last.as_deref(), Timestamp::now()) {
                metrics.shown(&campaign.id, next.as_of, next.stale);
                last = Some(Arc::new(Published::of(next)));
                place.send_replace(last.clone());
            }
            let tick = if last.is_some() { TICK } else { FIRST_TICK };
            stop.run_until_cancelled(tokio::time::sleep(tick)).await;
        }
    }
}

impl Source {
    /// The totals, if there are any. An instance that starts while the tally is away, and so has nothing to show,
    /// counts once by itself.
    async fn totals(&self, campaign: &CampaignId, has_shown: bool) -> Option<Totals> {
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

/// The chart that follows the last one, or `None` where nothing changed.
fn next(
    campaign: &Campaign,
    totals: Option<Totals>,
    last: Option<&Published>,
    now: Timestamp,
) -> Option<Chart> {
    let chart = match (totals, last) {
        (Some(totals), _) => Chart::of(campaign, totals, now),
        (None, Some(last)) => Chart {
            stale: true,
            ..last.chart.clone()
        },
        (None, None) => return None,
    };
    last.is_none_or(|last| last.chart != chart).then_some(chart)
}

impl Chart {
    fn of(campaign: &Campaign, totals: Totals, now: Timestamp) -> Self {
        let mut values: Vec<Count> = totals
            .values
            .into_iter()
            .map(|(value, count)| Count { value, count })
            .collect();
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        Self {
            campaign: campaign.id.to_string(),
            by: campaign.tallied().name.clone(),
            as_of: totals.as_of,
            stale: now.duration_since(totals.as_of) > STALE_AFTER,
            total: values.iter().map(|value| value.count).sum(),
            values,
        }
    }
}

impl Published {
    fn of(chart: Chart) -> Self {
        let json = serde_json::to_vec(&chart).expect("texts, numbers and flags are always JSON");
        let mut hash = Sha256::new();
        hash.update([u8::from(chart.stale)]);
        for Count { value, count } in &chart.values {
            hash.update(value.as_bytes());
            hash.update([0]);
            hash.update(count.to_be_bytes());
        }
        let tag = data_encoding::HEXLOWER.encode(&hash.finalize()[..8]);
        Self {
            chart,
            json: json.into(),
            etag: format!("W/\"{tag}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::tests::example;
    use crate::store::Position;

    fn totals(as_of: Timestamp) -> Totals {
        let values = [("Bogotá", 2), ("Cali", 7), ("Armenia", 2)];
        Totals {
            values: values
                .map(|(value, total)| (value.to_owned(), total))
                .into(),
            position: Position { at: 1, token: None },
            as_of,
        }
    }

    #[test]
    fn the_highest_comes_first() {
        let now = Timestamp::now();
        let chart = Chart::of(&example(), totals(now), now);
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
        let last = Published::of(next(&example(), Some(totals(now)), None, now).unwrap());
        let stale = next(&example(), None, Some(&last), now).unwrap();
        assert_eq!((stale.total, stale.stale), (11, true));
        assert_ne!(Published::of(stale).etag, last.etag);
        assert_eq!(next(&example(), None, None, now), None);
    }
}
