//! Exports the public tallies of vote campaigns as a metric, computed at each scrape: the highest values of what everyone may
//! see, and the sum of the others. Values that people typed are among them: a vote belongs to no person.

use std::cmp::Reverse;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use super::api::tally_body::VALUE_SEPARATOR;
use super::tally_views::{CampaignViews, TallyViews};
use crate::app::App;
use jornada_domain::tally::PublicTally;
use jornada_domain::{Campaign, Tally};
use jornada_runtime::metrics::gauge_value;
use jornada_service::tally::collector::OTHER_LABEL;
use jornada_service::tally::live_totals::LiveTotals;

/// Maximum values per tally with their own label.
const MAX_VALUES: usize = 10;

/// Prometheus collector of the public tallies of vote campaigns.
#[derive(Debug)]
pub struct VoteTallyCollector {
    live_totals: LiveTotals,
    views: Arc<TallyViews>,
    campaigns: Vec<Arc<Campaign>>,
    /// Metric without values, which provides the description.
    description: IntGaugeVec,
}

impl VoteTallyCollector {
    /// Creates a collector that shares the views with the clients.
    ///
    /// # Panics
    /// Never: name and labels are constants.
    pub fn new(app: &App, views: &Arc<TallyViews>) -> Self {
        let campaigns = app.campaigns.iter().filter(|campaign| campaign.is_vote());
        Self {
            live_totals: app.live_totals.clone(),
            views: Arc::clone(views),
            campaigns: campaigns.cloned().collect(),
            description: new_gauge(),
        }
    }
}

fn new_gauge() -> IntGaugeVec {
    let options = Opts::new(
        "jornada_tally_votes",
        "Votes by public tally and value: the highest values, and all others as _other",
    );
    IntGaugeVec::new(options, &["campaign", "tally", "value"]).expect("name and labels are right")
}

impl Collector for VoteTallyCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.description.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let gauge = new_gauge();
        for campaign in &self.campaigns {
            let Some(totals) = self.live_totals.latest(&campaign.id) else {
                continue;
            };
            let views = self.views.of(campaign, &totals);
            for (tally, value, count) in labelled_counts(campaign, &views) {
                let labels = [campaign.id.as_str(), &tally.id, &value];
                // Adds, because a typed value may be spelled like the label of the others.
                gauge.with_label_values(&labels).add(gauge_value(count));
            }
        }
        gauge.collect()
    }
}

/// Returns tally, value and count.
fn labelled_counts<'c>(
    campaign: &'c Campaign,
    views: &CampaignViews,
) -> Vec<(&'c Tally, String, u64)> {
    let tallies = campaign.public_tallies().zip(&views.tallies);
    let shown = tallies.filter_map(|(tally, view)| Some((tally, view.as_ref()?)));
    shown
        .flat_map(|(tally, view)| {
            let counts = highest_counts(&view.public).into_iter();
            counts.map(move |(value, count)| (tally, value, count))
        })
        .collect()
}

/// Returns the highest counts and, as the last one, the sum of the others. Made of public numbers only, so it tells nothing
/// that the tally hides.
fn highest_counts(public: &PublicTally) -> Vec<(String, u64)> {
    let mut rows: Vec<_> = public.rows().collect();
    rows.sort_by_key(|row| Reverse(row.count));
    rows.truncate(MAX_VALUES);
    let listed = rows
        .iter()
        .fold(0u64, |sum, row| sum.saturating_add(row.count));
    let others = public.total.saturating_sub(listed);
    let others = (others > 0).then(|| (OTHER_LABEL.to_owned(), others));
    let highest = rows
        .iter()
        .map(|row| (row.label.join(VALUE_SEPARATOR), row.count));
    highest.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use jornada_domain::tally::TallyCounts;
    use jornada_service::tally::live_totals::TotalsView;

    const CAMPAIGN: &str = r#"
id = "voto"
kind = "vote"
opens_at = 2026-01-01T00:00:00Z
closes_at = 2036-01-01T00:00:00Z
time_zone = "America/Guatemala"
title = { es = "Voto", en = "Vote" }
[[fields]]
name = "sede"
kind = "integer"
range = [1, 100]
label = { es = "Sede", en = "Place" }
required = true
[[fields]]
name = "papeleta"
kind = "choice"
label = { es = "Papeleta", en = "Paper" }
required = true
tally = true
options = [
    { value = "Blanca", label = { es = "Blanca", en = "White" } },
    { value = "Verde", label = { es = "Verde", en = "Green" } },
]
[[tallies]]
id = "ambos"
by = ["papeleta", "sede"]
top = 20
[[tallies]]
id = "sedes"
by = ["sede"]
suppress_below = 5
"#;

    fn views(campaign: &Campaign, counts: &[(&str, TallyCounts)]) -> Arc<CampaignViews> {
        let counts = counts.iter();
        let counts = counts.map(|(tally, counts)| ((*tally).to_owned(), counts.clone()));
        let totals = Arc::new(TotalsView {
            campaign: "voto".into(),
            by: "sede".into(),
            as_of: Timestamp::now(),
            stale: false,
            total: 0,
            values: Vec::new(),
            labels: BTreeMap::new(),
            counts: Arc::new(counts.collect()),
        });
        TallyViews::new([&campaign.id].into_iter()).of(campaign, &totals)
    }

    fn counted<const FIELDS: usize>(
        counts: impl IntoIterator<Item = ([&'static str; FIELDS], u64)>,
    ) -> TallyCounts {
        let counts = counts.into_iter();
        let counts = counts.map(|(key, count)| (key.map(str::to_owned).to_vec(), count));
        TallyCounts {
            counts: counts.collect(),
            others: 0,
        }
    }

    fn labelled(counts: &[(&str, TallyCounts)]) -> Vec<(String, String, u64)> {
        let campaign = Campaign::parse(CAMPAIGN, |_| Err(String::new())).unwrap();
        let views = views(&campaign, counts);
        let labelled = labelled_counts(&campaign, &views).into_iter();
        labelled
            .map(|(tally, value, count)| (tally.id.clone(), value, count))
            .collect()
    }

    #[test]
    fn the_highest_values_of_all_groups_have_labels_and_the_others_one() {
        let places = ["1", "2", "3", "4", "5", "6", "7"].iter();
        let counts = places.zip(0..).flat_map(|(place, number)| {
            let green = (["Verde", place], 2 * number + 1);
            [green, (["Blanca", place], 2 * number + 2)]
        });
        let labelled = labelled(&[("ambos", counted(counts))]);
        let shown = |value: &str, count| ("ambos".to_owned(), value.to_owned(), count);
        assert_eq!(labelled.len(), MAX_VALUES + 1);
        assert_eq!(labelled[0], shown("Blanca · 7", 14));
        assert_eq!(labelled[1], shown("Verde · 7", 13));
        assert_eq!(labelled[9], shown("Verde · 3", 5));
        assert_eq!(labelled[10], shown(OTHER_LABEL, 1 + 2 + 3 + 4));
    }

    #[test]
    fn hidden_counts_are_neither_labels_nor_told_by_the_others() {
        let hidden = counted([(["1"], 9), (["2"], 5), (["3"], 3), (["4"], 1)]);
        let shown = |value: &str, count| ("sedes".to_owned(), value.to_owned(), count);
        let expected = [shown("1", 9), shown(OTHER_LABEL, 5)];
        assert_eq!(labelled(&[("sedes", hidden)]), expected);
        assert_eq!(labelled(&[("sedes", counted([(["1"], 4)]))]), []);
    }
}
