//! Metrics of requests: number by route template, method and status, and duration.

mod connections;
mod grpc;

use axum::http::StatusCode;
use prometheus::{
    HistogramVec, IntCounterVec, Registry, histogram_opts,
    register_histogram_vec_with_registry as histograms,
    register_int_counter_vec_with_registry as counters,
};

pub use connections::ConnectionMetrics;
pub use grpc::GrpcMetrics;

/// Buckets in seconds, from a response from memory to one that waited for an election.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Metrics of requests.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl HttpMetrics {
    /// Registers the metrics. Fails if a name is already registered.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = ["route", "method", "status"];
        let seconds = histogram_opts!(
            "jornada_http_request_duration_seconds",
            "Time until the response headers",
            BUCKETS.to_vec()
        );
        Ok(Self {
            requests: counters!(
                "jornada_http_requests_total",
                "Requests by route template, method and status",
                &labels,
                registry
            )?,
            seconds: histograms!(seconds, &labels[..2], registry)?,
        })
    }

    /// Records a response. `route` is the template, never the path.
    pub fn record_response(&self, route: &str, method: &str, status: &StatusCode, seconds: f64) {
        self.requests
            .with_label_values(&[route, method, status.as_str()])
            .inc();
        self.seconds
            .with_label_values(&[route, method])
            .observe(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_runtime::metrics::text;

    #[test]
    fn requests_are_counted_by_route() {
        let registry = Registry::new();
        let metrics = HttpMetrics::new(&registry).unwrap();
        metrics.record_response("/c/{campaign}", "GET", &StatusCode::OK, 0.01);
        let text = text(&registry);
        assert!(
            text.contains(
                r#"jornada_http_requests_total{method="GET",route="/c/{campaign}",status="200"} 1"#
            ),
            "{text}"
        );
    }
}
