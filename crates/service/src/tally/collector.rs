//! Exports the live totals as a metric, computed at each scrape. Only the highest values of a closed list become
//! labels, never text that people typed.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use super::live_totals::{LiveTotals, TotalsView};
use jornada_domain::tally::{MergedTally, PublicTally};
use jornada_domain::{Campaign, Tally};
use jornada_runtime::metrics::gauge_value;

/// Maximum values per campaign with their own label.
const MAX_VALUES: usize = 40;
/// Label of all other values together.
pub const OTHER_LABEL: &str = "_other";

/// Prometheus collector of live totals.
#[derive(Debug)]
pub struct TotalsCollector {
    live_totals: LiveTotals,
    campaigns: Vec<Arc<Campaign>>,
    /// Metric without values, which provides the description.
    description: IntGaugeVec,
}

impl TotalsCollector {
    /// Creates a collector for those campaigns whose values are a closed list.
    ///
    /// # Panics
    /// Never: name and labels are constants.
    pub fn new(live_totals: LiveTotals, campaigns: Vec<Arc<Campaign>>) -> Self {
        Self {
            live_totals,
            campaigns: campaigns
                .into_iter()
                .filter(|campaign| has_closed_values(campaign))
                .collect(),
            description: new_gauge(),
        }
    }
}

fn new_gauge() -> IntGaugeVec {
    let options = Opts::new(
        "jornada_tally_registrations",
        "Registrations by tallied value: the highest values, and all others as _other",
    );
    IntGaugeVec::new(options, &["campaign", "value"]).expect("name and labels are right")
}

fn has_closed_values(campaign: &Campaign) -> bool {
    campaign.tally_field().closed_values().is_some()
}

/// Returns the public counts of the highest values and, as the last one, the sum of all others: small counts that the
/// campaign hides are in it, or left out if they could be told from it.
fn labelled_counts(campaign: &Campaign, totals: &TotalsView) -> Vec<(String, u64)> {
    let Some(plain) = campaign.staff_tally() else {
        return Vec::new();
    };
    let limits = campaign.public_tallies().map(|tally| tally.suppress_below);
    let spec = Tally {
        top: Some(MAX_VALUES),
        suppress_below: limits.max().unwrap_or_default(),
        ..plain.clone()
    };
    let Some(counts) = totals.tally_counts(&spec) else {
        return Vec::new();
    };
    let merged = MergedTally::new(&campaign.fields, &spec, counts);
    let public = PublicTally::new(&campaign.fields, &spec, &merged, None);
    let highest = public.rows().map(|row| (row.label.concat(), row.count));
    let others = public
        .others
        .map(|others| (OTHER_LABEL.to_owned(), others.count));
    highest.chain(others).collect()
}

impl Collector for TotalsCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.description.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let gauge = new_gauge();
        for campaign in &self.campaigns {
            let Some(chart) = self.live_totals.latest(&campaign.id) else {
                continue;
            };
            for (value, count) in labelled_counts(campaign, &chart) {
                gauge
                    .with_label_values(&[campaign.id.as_str(), &value])
                    .set(gauge_value(count));
            }
        }
        gauge.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use jornada_domain::tally::TallyCounts;
    use jornada_testkit::campaign::{EXAMPLE, example};

    #[test]
    fn what_people_type_is_no_label() {
        assert!(has_closed_values(&example()));
        let open = EXAMPLE.replace("list = \"lista.csv\"\n", "");
        let open = Campaign::parse(&open, |_| Err("no list".into())).unwrap();
        assert!(!has_closed_values(&open));
    }

    fn totals(values: impl IntoIterator<Item = (String, u64)>) -> TotalsView {
        let values = values.into_iter();
        let counts = TallyCounts {
            counts: values.map(|(value, count)| (vec![value], count)).collect(),
            others: 0,
        };
        TotalsView {
            campaign: "vacunacion".into(),
            by: "ciudad".into(),
            as_of: Timestamp::now(),
            stale: false,
            total: 0,
            values: Vec::new(),
            labels: BTreeMap::new(),
            counts: Arc::new([("ciudad".to_owned(), counts)].into()),
        }
    }

    #[test]
    fn past_the_highest_values_all_are_one() {
        let list = |_: &str| {
            let cities = (1..=100).map(|city| format!("city {city},region\n"));
            Ok(format!("name,region\n{}", cities.collect::<String>()))
        };
        let campaign = Campaign::parse(EXAMPLE, list).unwrap();
        let values = (1..=100)
            .rev()
            .map(|count| (format!("city {count}"), count));
        let labelled = labelled_counts(&campaign, &totals(values));
        assert_eq!(labelled.len(), MAX_VALUES + 1);
        assert_eq!(labelled[0], ("city 100".into(), 100));
        assert_eq!(labelled[MAX_VALUES], (OTHER_LABEL.into(), 60 * 61 / 2));
    }

    #[test]
    fn what_the_public_may_not_see_is_no_metric() {
        let values = [("Bogotá".to_owned(), 6), ("Medellín".to_owned(), 5)];
        let labelled = labelled_counts(&example(), &totals(values));
        assert_eq!(labelled, [("Bogotá".to_owned(), 6)]);
    }
}
