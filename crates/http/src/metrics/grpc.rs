//! Metrics of gRPC calls.

use prometheus::{
    HistogramVec, IntCounterVec, IntGauge, Registry, histogram_opts,
    register_histogram_vec_with_registry as histograms,
    register_int_counter_vec_with_registry as counters, register_int_gauge_with_registry as gauge,
};

use super::BUCKETS;

/// Metrics of gRPC calls.
#[derive(Clone, Debug)]
pub struct GrpcMetrics {
    /// Open streams: of votes, and of clients that watch the health.
    pub streams: IntGauge,
    calls: IntCounterVec,
    seconds: HistogramVec,
}

impl GrpcMetrics {
    /// Registers the metrics. Fails if a name is already registered.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = histogram_opts!(
            "jornada_grpc_call_duration_seconds",
            "Time until the end of a gRPC call",
            BUCKETS.to_vec()
        );
        Ok(Self {
            streams: gauge!("jornada_grpc_streams", "Open gRPC streams", registry)?,
            calls: counters!(
                "jornada_grpc_calls_total",
                "gRPC calls by method and status code",
                &["method", "code"],
                registry
            )?,
            seconds: histograms!(seconds, &["method"], registry)?,
        })
    }

    /// Records the end of a call. `method` is one of the API, never what a client sent.
    pub fn record_call(&self, method: &str, code: &str, seconds: f64) {
        self.calls.with_label_values(&[method, code]).inc();
        self.seconds.with_label_values(&[method]).observe(seconds);
    }
}
