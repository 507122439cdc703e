//! Metrics of totals: delay of the totals shown, and their difference from the store.

use jiff::Timestamp;
use prometheus::{
    IntCounterVec, IntGaugeVec, Registry, register_int_counter_vec_with_registry,
    register_int_gauge_vec_with_registry,
};

use jornada_domain::CampaignId;

/// Metrics of totals.
#[derive(Clone, Debug)]
pub struct TallyMetrics {
    pub(super) drift: IntGaugeVec,
    pub(super) rebuilds: IntCounterVec,
    as_of: IntGaugeVec,
    stale: IntGaugeVec,
}

impl TallyMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            register_int_gauge_vec_with_registry!(name, help, &["campaign"], registry)
        };
        Ok(Self {
            drift: gauge(
                "jornada_tally_drift",
                "Difference between the totals and the store at the last refresh; should stay 0",
            )?,
            rebuilds: register_int_counter_vec_with_registry!(
                "jornada_tally_rebuilds_total",
                "Rebuilds of all totals from the store, by reason: missing (no totals yet), lost (the changes cannot be continued), behind (too many changes)",
                &["reason"],
                registry
            )?,
            as_of: gauge(
                "jornada_tally_as_of_seconds",
                "Unix time up to which the totals shown are complete",
            )?,
            stale: gauge(
                "jornada_tally_stale",
                "1 while the totals shown may be out of date",
            )?,
        })
    }

    /// Sets the time of the totals shown, and whether they are stale.
    pub fn set_shown(&self, campaign: &CampaignId, as_of: Timestamp, stale: bool) {
        let label = [campaign.as_str()];
        self.as_of.with_label_values(&label).set(as_of.as_second());
        self.stale.with_label_values(&label).set(stale.into());
    }
}
