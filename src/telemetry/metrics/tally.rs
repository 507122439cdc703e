//! What is counted of the tally: how far the totals shown lie behind, and by how much they were ever wrong.

use jiff::Timestamp;
use prometheus::{IntGaugeVec, Opts, Registry};

use super::add;
use crate::domain::CampaignId;
use crate::tally::board::Chart;

/// What is counted of the tally.
#[derive(Clone, Debug)]
pub struct TallyMetrics {
    drift: IntGaugeVec,
    as_of: IntGaugeVec,
    stale: IntGaugeVec,
}

impl TallyMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            add(
                registry,
                IntGaugeVec::new(Opts::new(name, help), &["campaign"])?,
            )
        };
        Ok(Self {
            drift: gauge(
                "jornada_tally_drift",
                "By how much the totals differed from the store at the last refresh; stays 0",
            )?,
            as_of: gauge(
                "jornada_tally_as_of_seconds",
                "Unix time at which the totals shown were all there was",
            )?,
            stale: gauge(
                "jornada_tally_stale",
                "1 while the totals shown may be out of date",
            )?,
        })
    }

    /// Notes the difference that a refresh found.
    pub fn drift(&self, campaign: &CampaignId, drift: u64) {
        let drift = i64::try_from(drift).unwrap_or(i64::MAX);
        self.drift
            .with_label_values(&[campaign.as_str()])
            .set(drift);
    }

    /// Notes what is shown.
    pub fn shown(&self, campaign: &CampaignId, chart: &Chart) {
        let label = [campaign.as_str()];
        self.as_of
            .with_label_values(&label)
            .set(Timestamp::as_second(chart.as_of));
        self.stale.with_label_values(&label).set(chart.stale.into());
    }
}
