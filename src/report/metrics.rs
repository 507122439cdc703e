//! What is counted of reports: rows, and the time from the request to the finished file.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Registry};

use crate::telemetry::metrics::{add, counters};

/// Seconds, from a short list to a million rows behind others that wait.
const BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// What is counted of reports.
#[derive(Clone, Debug)]
pub struct ReportMetrics {
    rows: IntCounter,
    seconds: Histogram,
    jobs: IntCounterVec,
    /// Jobs at which this instance works.
    pub at_work: IntGauge,
}

impl ReportMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = HistogramOpts::new(
            "jornada_report_duration_seconds",
            "Time from the request to the finished file, with the wait for its turn",
        );
        let jobs = counters(
            "jornada_report_jobs_total",
            "Attempts at reports in the background, by how they ended: done, lost, given_back, stopped",
            &["outcome"],
        )?;
        let at_work = IntGauge::new(
            "jornada_report_jobs_at_work",
            "Reports that this instance makes in the background",
        )?;
        Ok(Self {
            jobs: add(registry, jobs)?,
            at_work: add(registry, at_work)?,
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

    /// Counts the end of an attempt at a job.
    pub fn ended(&self, outcome: &'static str) {
        self.jobs.with_label_values(&[outcome]).inc();
    }

    /// Counts one finished report.
    pub fn written(&self, rows: u64, took: Duration) {
        self.rows.inc_by(rows);
        self.seconds.observe(took.as_secs_f64());
    }
}
