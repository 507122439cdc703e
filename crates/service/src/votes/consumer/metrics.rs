//! Metrics of the consumer of votes.

use prometheus::{
    Histogram, IntCounterVec, IntGauge, IntGaugeVec, Registry, exponential_buckets, histogram_opts,
    register_histogram_with_registry as histogram,
    register_int_counter_vec_with_registry as counters,
    register_int_gauge_vec_with_registry as gauges, register_int_gauge_with_registry as gauge,
};

/// Metrics of the consumer of votes.
#[derive(Clone, Debug)]
pub struct VoteConsumerMetrics {
    pub(super) votes: IntCounterVec,
    pub(super) batch_votes: Histogram,
    pub(super) insert_seconds: Histogram,
    pub(super) dead_letters: IntCounterVec,
    pub(super) stopped: IntGauge,
    /// Without labels, so that the value is missing until it is known.
    kept_dead_letters: IntGaugeVec,
}

impl VoteConsumerMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let batch = histogram_opts!(
            "jornada_consumer_batch_votes",
            "Records in each batch that is read from the queue",
            exponential_buckets(1.0, 2.0, 11)?
        );
        let insert = histogram_opts!(
            "jornada_consumer_insert_duration_seconds",
            "Time to store a batch, including repetitions",
            exponential_buckets(0.001, 2.5, 13)?
        );
        Ok(Self {
            votes: counters!(
                "jornada_consumer_votes_total",
                "Votes taken from the queue, by campaign and outcome: stored, repeated",
                &["campaign", "outcome"],
                registry
            )?,
            batch_votes: histogram!(batch, registry)?,
            insert_seconds: histogram!(insert, registry)?,
            dead_letters: counters!(
                "jornada_dead_letters_total",
                "Records of the queue that cannot become a vote, by reason",
                &["reason"],
                registry
            )?,
            stopped: gauge!(
                "jornada_consumer_stopped",
                "1 after too many records were dead letters: the consumer no longer reads",
                registry
            )?,
            kept_dead_letters: gauges!(
                "jornada_dead_letters",
                "Dead letters in the store; missing while unknown",
                &[],
                registry
            )?,
        })
    }

    /// Returns whether too many records were dead letters.
    pub fn is_stopped(&self) -> bool {
        self.stopped.get() != 0
    }

    /// Sets the number of dead letters in the store, if it is known.
    pub fn set_kept_dead_letters(&self, count: Option<u64>) {
        let no_labels: &[&str] = &[];
        match count {
            Some(count) => {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                let gauge = self.kept_dead_letters.with_label_values(no_labels);
                gauge.set(count);
            }
            None => self.kept_dead_letters.reset(),
        }
    }
}
