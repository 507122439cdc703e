//! Metrics of rate limits and bot signals. High values mean an attack, or a limit that is too low.

use prometheus::{IntCounterVec, Registry, register_int_counter_vec_with_registry as counters};

/// Metrics of abuse protection.
#[derive(Clone, Debug)]
pub struct AbuseMetrics {
    pub(super) limited: IntCounterVec,
    trapped: IntCounterVec,
}

impl AbuseMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            limited: counters!(
                "jornada_limited_total",
                "Rate-limited requests, by what was requested: registrations, receipts",
                &["what"],
                registry
            )?,
            trapped: counters!(
                "jornada_trapped_total",
                "Forms with bot signals: filled (the hidden field), early, strange (invalid timestamp), work (proof missing or used before)",
                &["how"],
                registry
            )?,
        })
    }

    /// Counts a form with a bot signal.
    pub fn count_bot_signal(&self, how: &str) {
        self.trapped.with_label_values(&[how]).inc();
    }
}
