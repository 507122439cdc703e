//! Metrics of the role `serve`: those of its modules on one registry. Exported on the operations listener only.

use prometheus::core::Collector;
use prometheus::{
    IntCounterVec, IntGauge, Registry, register_int_counter_vec_with_registry,
    register_int_gauge_with_registry,
};

use jornada_http::metrics::{ConnectionMetrics, GrpcMetrics, HttpMetrics};
use jornada_queue::metrics::{ProducerMetrics, StateMetrics};
use jornada_runtime::logs::DroppedLines;
use jornada_runtime::metrics::{DependencyMetrics, registry, text};
use jornada_service::admission::metrics::AbuseMetrics;
use jornada_service::batcher::metrics::BatchMetricsByKind;
use jornada_service::registrations::metrics::{BufferedPhotoMetrics, RegistrationMetrics};
use jornada_service::reports::metrics::ReportMetrics;
use jornada_service::staff::metrics::StaffMetrics;
use jornada_service::tally::metrics::TallyMetrics;
use jornada_service::votes::metrics::VoteMetrics;

/// Metrics of the role `serve`.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Rate limits and bot checks.
    pub abuse: AbuseMetrics,
    /// Connections.
    pub connections: ConnectionMetrics,
    /// Requests.
    pub http: HttpMetrics,
    /// gRPC calls.
    pub grpc: GrpcMetrics,
    /// Registrations.
    pub registrations: RegistrationMetrics,
    /// Votes.
    pub votes: VoteMetrics,
    /// Sending votes to the queue.
    pub queue: ProducerMetrics,
    /// State of the queue.
    pub queue_state: StateMetrics,
    /// Batches of inserts.
    pub batches: BatchMetricsByKind,
    /// Bytes of the upload budget in use.
    pub upload_bytes: IntGauge,
    /// Size of the upload budget in bytes.
    pub upload_limit: IntGauge,
    /// Requests in progress.
    pub requests_in_flight: IntGauge,
    /// Clients of server-sent events.
    pub event_clients: IntGauge,
    /// Clients of server-sent events that were refused.
    pub event_clients_refused: IntCounterVec,
    /// Reports written.
    pub reports: ReportMetrics,
    /// Photos buffered in the database.
    pub buffered_photos: BufferedPhotoMetrics,
    /// Logins.
    pub staff: StaffMetrics,
    /// Totals.
    pub tally: TallyMetrics,
    /// Database, object store and cache.
    pub dependencies: DependencyMetrics,
}

impl Metrics {
    /// Registers all metrics. Fails if two have the same name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = registry()?;
        let gauge =
            |name: &str, help: &str| register_int_gauge_with_registry!(name, help, registry);
        Ok(Self {
            abuse: AbuseMetrics::new(&registry)?,
            connections: ConnectionMetrics::new(&registry)?,
            http: HttpMetrics::new(&registry)?,
            grpc: GrpcMetrics::new(&registry)?,
            registrations: RegistrationMetrics::new(&registry)?,
            votes: VoteMetrics::new(&registry)?,
            queue: ProducerMetrics::new(&registry)?,
            queue_state: StateMetrics::new(&registry)?,
            batches: BatchMetricsByKind::new(&registry)?,
            upload_bytes: gauge("jornada_upload_bytes", "Bytes of the upload budget in use")?,
            upload_limit: gauge(
                "jornada_upload_limit_bytes",
                "Bytes of the whole upload budget",
            )?,
            requests_in_flight: gauge("jornada_requests_in_flight", "Requests in progress")?,
            event_clients: gauge("jornada_event_clients", "Clients of server-sent events")?,
            event_clients_refused: register_int_counter_vec_with_registry!(
                "jornada_event_clients_refused_total",
                "Clients of server-sent events that were refused, by the limit: address, instance",
                &["limit"],
                registry
            )?,
            reports: ReportMetrics::new(&registry)?,
            buffered_photos: BufferedPhotoMetrics::new(&registry)?,
            staff: StaffMetrics::new(&registry)?,
            tally: TallyMetrics::new(&registry)?,
            dependencies: DependencyMetrics::new(&registry)?,
            registry,
        })
    }

    /// Registers a collector that is evaluated at each scrape. Fails if the name is taken.
    pub fn register(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(collector))
    }

    /// Registers the counters of dropped log lines. Fails if they are registered already.
    pub fn register_log_drops(&self, dropped: &DroppedLines) -> Result<(), prometheus::Error> {
        self.registry.register(dropped.collector())
    }

    /// Renders all metrics in the Prometheus text format 0.0.4.
    pub fn text(&self) -> String {
        text(&self.registry)
    }
}
