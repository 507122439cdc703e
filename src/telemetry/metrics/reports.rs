//! What is counted of reports: rows, and the time from the request to the finished file.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, Registry};

use super::add;

/// Seconds, from a short list to a million rows behind others that wait.
const BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// What is counted of reports.
#[derive(Clone, Debug)]
pub struct ReportMetrics {
    rows: IntCounter,
    seconds: Histogram,
}

impl ReportMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = HistogramOpts::new(
            "jornada_report_duration_seconds",
            "Time from the request to the finished file, with the wait for its turn",
        );
        Ok(Self {
            rows: add(
                registry,
                IntCounter::new("jornada_report_rows_total", "Rows written to reports")?,
            )?,
            seconds: add(
                registry,
                Histogram::with_opts(seconds.buckets(BUCKETS.to_vec()))?,
            )?,
        })
    }

    /// Counts one finished report.
    pub fn written(&self, rows: u64, took: Duration) {
        self.rows.inc_by(rows);
        self.seconds.observe(took.as_secs_f64());
    }
}
