//! Metrics of reports: rows, and time from the request to the finished file.

use std::time::Duration;

use prometheus::{
    Histogram, IntCounter, IntCounterVec, IntGauge, Registry, histogram_opts,
    register_histogram_with_registry as histogram,
    register_int_counter_vec_with_registry as counters,
    register_int_counter_with_registry as counter, register_int_gauge_with_registry as gauge,
};

/// Buckets in seconds, from a short list to a million rows queued behind others.
const BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// Metrics of reports.
#[derive(Clone, Debug)]
pub struct ReportMetrics {
    rows: IntCounter,
    seconds: Histogram,
    pub(super) jobs: IntCounterVec,
    /// Jobs in progress on this instance.
    pub jobs_in_progress: IntGauge,
}

impl ReportMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = histogram_opts!(
            "jornada_report_duration_seconds",
            "Time from the request to the finished file, including the time in the queue",
            BUCKETS.to_vec()
        );
        Ok(Self {
            jobs: counters!(
                "jornada_report_jobs_total",
                "Attempts at background reports, by outcome: done, lost, given_back, stopped",
                &["outcome"],
                registry
            )?,
            jobs_in_progress: gauge!(
                "jornada_report_jobs_at_work",
                "Background reports in progress on this instance",
                registry
            )?,
            rows: counter!(
                "jornada_report_rows_total",
                "Rows written to reports",
                registry
            )?,
            seconds: histogram!(seconds, registry)?,
        })
    }

    /// Records a finished report.
    pub fn record_report(&self, rows: u64, took: Duration) {
        self.rows.inc_by(rows);
        self.seconds.observe(took.as_secs_f64());
    }
}
