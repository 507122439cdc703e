//! Everything that the role `serve` counts: the metrics of its modules on one registry, which is served on the operations
//! listener alone.

use prometheus::core::Collector;
use prometheus::{IntGauge, Registry};

use crate::admission::metrics::AbuseMetrics;
use crate::intake::metrics::{BufferedPhotoMetrics, RegistrationMetrics};
use crate::report::metrics::ReportMetrics;
use crate::staff::metrics::StaffMetrics;
use crate::tally::metrics::TallyMetrics;
use crate::telemetry::logs::DroppedLines;
use crate::telemetry::metrics::{DependencyMetrics, add, registry, text};
use crate::web::metrics::{ConnectionMetrics, HttpMetrics};

/// Everything that the role `serve` counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Who comes too often.
    pub abuse: AbuseMetrics,
    /// Connections.
    pub connections: ConnectionMetrics,
    /// Requests.
    pub http: HttpMetrics,
    /// Who registers.
    pub registrations: RegistrationMetrics,
    /// Bytes of the upload budget in use.
    pub upload_bytes: IntGauge,
    /// Bytes of the whole upload budget.
    pub upload_limit: IntGauge,
    /// Requests in work.
    pub requests_in_flight: IntGauge,
    /// Clients of server-sent events.
    pub event_clients: IntGauge,
    /// Reports written.
    pub reports: ReportMetrics,
    /// Photos that wait in the store.
    pub buffered_photos: BufferedPhotoMetrics,
    /// Logins.
    pub staff: StaffMetrics,
    /// The tally's.
    pub tally: TallyMetrics,
    /// Store, photo store and cache, as this instance meets them.
    pub dependencies: DependencyMetrics,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// Two metrics of one name: a mistake in this module.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = registry()?;
        let gauge = |name: &str, help: &str| add(&registry, IntGauge::new(name, help)?);
        Ok(Self {
            abuse: AbuseMetrics::new(&registry)?,
            connections: ConnectionMetrics::new(&registry)?,
            http: HttpMetrics::new(&registry)?,
            registrations: RegistrationMetrics::new(&registry)?,
            upload_bytes: gauge("jornada_upload_bytes", "Bytes of the upload budget in use")?,
            upload_limit: gauge(
                "jornada_upload_limit_bytes",
                "Bytes of the whole upload budget",
            )?,
            requests_in_flight: gauge("jornada_requests_in_flight", "Requests in work")?,
            event_clients: gauge("jornada_event_clients", "Clients of server-sent events")?,
            reports: ReportMetrics::new(&registry)?,
            buffered_photos: BufferedPhotoMetrics::new(&registry)?,
            staff: StaffMetrics::new(&registry)?,
            tally: TallyMetrics::new(&registry)?,
            dependencies: DependencyMetrics::new(&registry)?,
            registry,
        })
    }

    /// Adds what is computed whenever Prometheus asks.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn register(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(collector))
    }

    /// Serves the count of log lines that were left out as well.
    ///
    /// # Errors
    /// When it was added before.
    pub fn register_log_drops(&self, dropped: &DroppedLines) -> Result<(), prometheus::Error> {
        self.registry.register(dropped.collector())
    }

    /// The text that Prometheus reads (exposition format 0.0.4).
    #[must_use]
    pub fn text(&self) -> String {
        text(&self.registry)
    }
}
