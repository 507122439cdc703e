//! Exports the live totals as a metric, computed at each scrape. Only the highest values of a closed list become
//! labels, never text that people typed.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use super::live_totals::{LiveTotals, TotalsView};
use jornada_domain::Campaign;
use jornada_runtime::metrics::gauge_value;

/// Maximum values per campaign with their own label.
const MAX_VALUES: usize = 40;
/// Label of all other values together.
const OTHER_LABEL: &str = "_other";

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
    campaign.tally_field().has_closed_list()
}

/// Returns the highest values with their counts, and the sum of all others.
fn labelled_counts(chart: &TotalsView) -> impl Iterator<Item = (&str, u64)> {
    let (highest, others) = chart.values.split_at(chart.values.len().min(MAX_VALUES));
    let rest = others.iter().map(|value| value.count).sum();
    let rest = (!others.is_empty()).then_some((OTHER_LABEL, rest));
    let highest = highest
        .iter()
        .map(|value| (value.value.as_str(), value.count));
    highest.chain(rest)
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
            for (value, count) in labelled_counts(&chart) {
                gauge
                    .with_label_values(&[campaign.id.as_str(), value])
                    .set(gauge_value(count));
            }
        }
        gauge.collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::live_totals::ValueCount;
    use super::*;
    use jornada_testkit::campaign::{EXAMPLE, example};

    #[test]
    fn what_people_type_is_no_label() {
        assert!(has_closed_values(&example()));
        let open = EXAMPLE.replace("list = \"lista.csv\"\n", "");
        let open = Campaign::parse(&open, |_| Err("no list".into())).unwrap();
        assert!(!has_closed_values(&open));
    }

    #[test]
    fn past_the_highest_values_all_are_one() {
        let values = (1..=100).rev().map(|count| ValueCount {
            value: format!("city {count}"),
            count,
        });
        let chart = TotalsView {
            campaign: "vacunacion".into(),
            by: "ciudad".into(),
            as_of: Timestamp::now(),
            stale: false,
            total: 5050,
            values: values.collect(),
            counts: Arc::default(),
        };
        let labelled: Vec<_> = labelled_counts(&chart).collect();
        assert_eq!(labelled.len(), MAX_VALUES + 1);
        assert_eq!(labelled[0], ("city 100", 100));
        assert_eq!(labelled[MAX_VALUES], (OTHER_LABEL, 60 * 61 / 2));
    }
}
