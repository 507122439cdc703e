//! Metrics of the batches that insert records.

use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
    exponential_buckets, histogram_opts, register_histogram_vec_with_registry as histograms,
    register_int_counter_vec_with_registry as counters,
    register_int_gauge_vec_with_registry as gauges,
};

/// Metrics of the batches of one kind of record.
#[derive(Clone, Debug)]
pub struct BatchMetrics {
    pub(super) waiting: IntGauge,
    pub(super) rejected: IntCounter,
    pub(super) records: Histogram,
    pub(super) seconds: Histogram,
}

/// Metrics of the batches of all kinds. The label is the kind of record.
#[derive(Clone, Debug)]
pub struct BatchMetricsByKind {
    waiting: IntGaugeVec,
    rejected: IntCounterVec,
    records: HistogramVec,
    seconds: HistogramVec,
}

impl BatchMetricsByKind {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let records = histogram_opts!(
            "jornada_insert_batch_records",
            "Records in each batch",
            exponential_buckets(1.0, 2.0, 11)?
        );
        let seconds = histogram_opts!(
            "jornada_insert_batch_duration_seconds",
            "Duration of inserting a batch, whatever its outcome",
            exponential_buckets(0.001, 2.5, 11)?
        );
        let names = &["kind"];
        Ok(Self {
            waiting: gauges!(
                "jornada_insert_waiting_records",
                "Records that wait for the next batch",
                names,
                registry
            )?,
            rejected: counters!(
                "jornada_insert_rejected_total",
                "Records rejected because too many were waiting",
                names,
                registry
            )?,
            records: histograms!(records, names, registry)?,
            seconds: histograms!(seconds, names, registry)?,
        })
    }

    /// Returns the metrics of registrations.
    pub fn of_registrations(&self) -> BatchMetrics {
        self.of("registration")
    }

    /// Returns the metrics of votes.
    pub fn of_votes(&self) -> BatchMetrics {
        self.of("vote")
    }

    fn of(&self, kind: &str) -> BatchMetrics {
        let kind = &[kind];
        BatchMetrics {
            waiting: self.waiting.with_label_values(kind),
            rejected: self.rejected.with_label_values(kind),
            records: self.records.with_label_values(kind),
            seconds: self.seconds.with_label_values(kind),
        }
    }
}
