//! Metrics of rate limits and bot signals. High values mean an attack, or a limit that is too low.

use prometheus::{IntCounterVec, Registry};

use crate::telemetry::metrics::{add, counters};

/// Metrics of abuse protection.
#[derive(Clone, Debug)]
pub struct AbuseMetrics {
    limited: IntCounterVec,
    trapped: IntCounterVec,
}

impl AbuseMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let limited = counters(
            "jornada_limited_total",
            "Rate-limited requests, by what was requested: registrations, receipts",
            &["what"],
        )?;
        let trapped = counters(
            "jornada_trapped_total",
            "Forms with bot signals: filled (the hidden field), early, strange (invalid timestamp), work (proof missing or used before)",
            &["how"],
        )?;
        Ok(Self {
            limited: add(registry, limited)?,
            trapped: add(registry, trapped)?,
        })
    }

    /// Counts a rate-limited request.
    pub fn count_rate_limited(&self, what: &str) {
        self.limited.with_label_values(&[what]).inc();
    }

    /// Counts a form with a bot signal.
    pub fn count_bot_signal(&self, how: &str) {
        self.trapped.with_label_values(&[how]).inc();
    }
}
