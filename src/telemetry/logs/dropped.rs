//! How many log lines were left out, and why: a closed set of reasons.

use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, Opts};

/// `jornada_log_lines_dropped_total{reason}`. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct Dropped {
    all: IntCounterVec,
    /// `stdout_full`: whoever reads standard output is too slow.
    pub(super) stdout_full: IntCounter,
    /// `loki_full`: Loki is away or too slow, and the batch that waits for it is full.
    pub(super) loki_full: IntCounter,
    /// `loki_failed`: the line was in a batch that Loki refused or did not answer for.
    pub(super) loki_failed: IntCounter,
    /// `loki_long`: the line is longer than what is sent to Loki.
    pub(super) loki_long: IntCounter,
}

impl Dropped {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let help = "Log lines left out, by reason: stdout_full, loki_full, loki_failed, loki_long";
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

    /// For a registry.
    #[must_use]
    pub fn collector(&self) -> Box<dyn Collector> {
        Box::new(self.all.clone())
    }

    /// Lines that Loki did not get, for any reason.
    #[must_use]
    pub fn not_in_loki(&self) -> u64 {
        self.loki_full.get() + self.loki_failed.get() + self.loki_long.get()
    }
}
