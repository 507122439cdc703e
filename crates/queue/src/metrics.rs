//! Metrics of the queue.

use prometheus::{
    GaugeVec, Histogram, IntCounter, IntGauge, IntGaugeVec, Registry, exponential_buckets,
    histogram_opts, opts, register_gauge_vec_with_registry as gauges,
    register_histogram_with_registry as histogram,
    register_int_counter_with_registry as int_counter,
    register_int_gauge_vec_with_registry as int_gauges,
    register_int_gauge_with_registry as int_gauge,
};

use crate::state::QueueState;

/// Metrics of sending records.
#[derive(Clone, Debug)]
pub struct ProducerMetrics {
    /// Without labels, so that the value is missing until it is known.
    pub(crate) up: IntGaugeVec,
    pub(crate) duration_seconds: Histogram,
    pub(crate) sending_bytes: IntGauge,
    pub(crate) sending_limit_bytes: IntGauge,
    pub(crate) fallback_votes: IntCounter,
}

impl ProducerMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let duration = histogram_opts!(
            "jornada_queue_send_duration_seconds",
            "Time until the queue acknowledged the records of a request, or failed to",
            exponential_buckets(0.001, 2.0, 13)?
        );
        Ok(Self {
            up: int_gauges!(
                "jornada_queue_up",
                "1 if the queue takes votes, 0 if they are inserted directly; missing without a queue",
                &[],
                registry
            )?,
            duration_seconds: histogram!(duration, registry)?,
            sending_bytes: int_gauge!(
                "jornada_queue_sending_bytes",
                "Memory of the records that wait for the acknowledgement of the queue",
                registry
            )?,
            sending_limit_bytes: int_gauge!(
                "jornada_queue_sending_limit_bytes",
                "Maximum of jornada_queue_sending_bytes",
                registry
            )?,
            fallback_votes: int_counter!(
                "jornada_queue_fallback_votes_total",
                "Votes inserted directly because the queue was down or full",
                registry
            )?,
        })
    }

    pub(crate) fn set_up(&self, is_up: bool) {
        let no_labels: &[&str] = &[];
        self.up.with_label_values(no_labels).set(is_up.into());
    }
}

/// Metrics of what waits in the queue. Each value is missing while it is unknown.
#[derive(Clone, Debug)]
pub struct StateMetrics {
    lag: IntGaugeVec,
    age_seconds: GaugeVec,
    consumers: IntGaugeVec,
}

impl StateMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            lag: int_gauges!(
                "jornada_queue_lag_votes",
                "Votes in the queue that are not stored; missing while unknown",
                &[],
                registry
            )?,
            age_seconds: gauges!(
                opts!(
                    "jornada_queue_oldest_vote_age_seconds",
                    "Age of the oldest vote in the queue that is not stored, 0 without one; missing while unknown"
                ),
                &[],
                registry
            )?,
            consumers: int_gauges!(
                "jornada_queue_consumers",
                "Consumers that read the queue; missing while unknown",
                &[],
                registry
            )?,
        })
    }

    /// Sets the values, or removes them if the state is unknown.
    pub(crate) fn set(&self, state: Option<&QueueState>) {
        let no_labels: &[&str] = &[];
        let Some(state) = state else {
            self.lag.reset();
            self.age_seconds.reset();
            self.consumers.reset();
            return;
        };
        let lag = i64::try_from(state.lag).unwrap_or(i64::MAX);
        self.lag.with_label_values(no_labels).set(lag);
        match state.oldest_age {
            Some(age) => {
                let gauge = self.age_seconds.with_label_values(no_labels);
                gauge.set(age.as_secs_f64());
            }
            None => self.age_seconds.reset(),
        }
        let consumers = i64::try_from(state.consumers).unwrap_or(i64::MAX);
        self.consumers.with_label_values(no_labels).set(consumers);
    }
}

/// Metrics of the client that reads the queue.
#[derive(Clone, Debug)]
pub struct ConsumerMetrics {
    pub(crate) commit_seconds: Histogram,
    pub(crate) rebalances: prometheus::IntCounterVec,
    pub(crate) rebuilds: IntCounter,
}

impl ConsumerMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let commit = histogram_opts!(
            "jornada_consumer_commit_duration_seconds",
            "Time to tell the queue what is stored",
            exponential_buckets(0.001, 2.5, 11)?
        );
        Ok(Self {
            commit_seconds: histogram!(commit, registry)?,
            rebalances: prometheus::register_int_counter_vec_with_registry!(
                "jornada_consumer_rebalances_total",
                "Changes of the partitions that this consumer reads: assigned, revoked, lost",
                &["kind"],
                registry
            )?,
            rebuilds: int_counter!(
                "jornada_consumer_rebuilds_total",
                "Times that the client of the queue was replaced because it failed or no longer read",
                registry
            )?,
        })
    }
}
