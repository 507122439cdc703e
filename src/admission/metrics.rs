//! What is counted of those who come too often, too fast or without work: many are a flood, or a limit that is too low.

use prometheus::{IntCounterVec, Registry};

use crate::telemetry::metrics::{add, counters};

/// What is counted of abuse.
#[derive(Clone, Debug)]
pub struct AbuseMetrics {
    limited: IntCounterVec,
    trapped: IntCounterVec,
}

impl AbuseMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let limited = counters(
            "jornada_limited_total",
            "Requests that had to wait, by what was asked for: registrations, receipts",
            &["what"],
        )?;
        let trapped = counters(
            "jornada_trapped_total",
            "Forms that no person seems to have filled in: filled (the hidden field), early, strange (no moment of ours), work (none, or used before)",
            &["how"],
        )?;
        Ok(Self {
            limited: add(registry, limited)?,
            trapped: add(registry, trapped)?,
        })
    }

    /// Counts a request that had to wait.
    pub fn limited(&self, what: &str) {
        self.limited.with_label_values(&[what]).inc();
    }

    /// Counts a form that fell into a trap.
    pub fn trapped(&self, how: &str) {
        self.trapped.with_label_values(&[how]).inc();
    }
}
