//! Counters of dropped log lines, by reason.

use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, Opts};

/// `jornada_log_lines_dropped_total{reason}`. Cheap to clone; clones share the counters.
#[derive(Clone, Debug)]
pub struct DroppedLines {
    all: IntCounterVec,
    /// `stdout_full`: the reader of standard output is too slow.
    pub(super) stdout_full: IntCounter,
    /// `loki_full`: Loki is unavailable or too slow, and the open batch is full.
    pub(super) loki_full: IntCounter,
    /// `loki_failed`: Loki rejected the batch or did not answer.
    pub(super) loki_failed: IntCounter,
    /// `loki_long`: the line exceeds the maximum length for Loki.
    pub(super) loki_long: IntCounter,
}

impl DroppedLines {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let help = "Log lines dropped, by reason: stdout_full, loki_full, loki_failed, loki_long";
        let opts = Opts::new("jornada_log_lines_dropped_total", help);
        let all = IntCounterVec::new(opts, &["reason"])?;
        let reason = |reason: &str| all.with_label_values(&[reason]);
        Ok(Self {
            stdout_full: reason("stdout_full"),
            loki_full: reason("loki_full"),
            loki_failed: reason("loki_failed"),
            loki_long: reason("loki_long"),
            all,
        })
    }

    /// Returns the collector for a registry.
    pub fn collector(&self) -> Box<dyn Collector> {
        Box::new(self.all.clone())
    }

    /// Returns the number of lines missing in Loki.
    pub fn count_missing_in_loki(&self) -> u64 {
        self.loki_full.get() + self.loki_failed.get() + self.loki_long.get()
    }
}
