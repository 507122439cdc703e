//! Exports the live totals as a metric, computed at each scrape. Only the highest values of a closed list become
//! labels, never text that people typed.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use super::board::{Board, Chart};
use crate::domain::{Campaign, Kind};

/// Maximum values per campaign with their own label.
const MOST_VALUES: usize = 40;
/// Label of all other values together.
const OTHERS: &str = "_other";

/// Prometheus collector of live totals.
#[derive(Debug)]
pub struct Shown {
    board: Board,
    campaigns: Vec<Arc<Campaign>>,
    /// Metric without values, which provides the description.
    empty: IntGaugeVec,
}

impl Shown {
    /// Creates a collector for those campaigns whose values are a closed list.
    ///
    /// # Panics
    /// Never: name and labels are constants.
    #[must_use]
    pub fn new(board: Board, campaigns: Vec<Arc<Campaign>>) -> Self {
        Self {
            board,
            campaigns: campaigns
                .into_iter()
                .filter(|campaign| is_closed(campaign))
                .collect(),
            empty: gauge(),
        }
    }
}

fn gauge() -> IntGaugeVec {
    let options = Opts::new(
        "jornada_tally_registrations",
        "Registrations by tallied value: the highest values, and all others as _other",
    );
    IntGaugeVec::new(options, &["campaign", "value"]).expect("name and labels are right")
}

fn is_closed(campaign: &Campaign) -> bool {
    match &campaign.tallied().kind {
        Kind::Place(places) => places.is_closed(),
        Kind::Choice(_) => true,
        Kind::Text { .. } | Kind::Document | Kind::Photo => false,
    }
}

/// Returns the highest values with their counts, and the sum of all others.
fn labelled(chart: &Chart) -> impl Iterator<Item = (&str, u64)> {
    let (highest, others) = chart.values.split_at(chart.values.len().min(MOST_VALUES));
    let rest = others.iter().map(|value| value.count).sum();
    let rest = (!others.is_empty()).then_some((OTHERS, rest));
    let highest = highest
        .iter()
        .map(|value| (value.value.as_str(), value.count));
    highest.chain(rest)
}

impl Collector for Shown {
    fn desc(&self) -> Vec<&Desc> {
        self.empty.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let gauge = gauge();
        for campaign in &self.campaigns {
            let Some(chart) = self.board.read(&campaign.id) else {
                continue;
            };
            for (value, count) in labelled(&chart) {
                gauge
                    .with_label_values(&[campaign.id.as_str(), value])
                    .set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
        gauge.collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::board::Count;
    use super::*;
    use crate::domain::campaign::tests::{EXAMPLE, example};

    #[test]
    fn what_people_type_is_no_label() {
        assert!(is_closed(&example()));
        let open = EXAMPLE.replace("list = \"lista.csv\"\n", "");
        let open = Campaign::parse(&open, |_| Err("no list".into())).unwrap();
        assert!(!is_closed(&open));
    }

    #[test]
    fn past_the_highest_values_all_are_one() {
        let values = (1..=100).rev().map(|count| Count {
            value: format!("city {count}"),
            count,
        });
        let chart = Chart {
            campaign: "vacunacion".into(),
            by: "ciudad".into(),
            as_of: Timestamp::now(),
            stale: false,
            total: 5050,
            values: values.collect(),
        };
        let labelled: Vec<_> = labelled(&chart).collect();
        assert_eq!(labelled.len(), MOST_VALUES + 1);
        assert_eq!(labelled[0], ("city 100", 100));
        assert_eq!(labelled[MOST_VALUES], (OTHERS, 60 * 61 / 2));
    }
}
