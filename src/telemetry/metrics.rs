//! Prometheus metrics, on a registry of their own and served only by the operations listener.
//! Labels are closed sets: route templates, methods, status codes, campaign ids, outcomes, operations.

mod abuse;
mod build;
mod connections;
pub mod dependency;
mod http;
mod pending;
mod reports;
mod staff;
mod tally;

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Registry, TextEncoder};

use crate::telemetry::logs::Dropped;
pub use abuse::AbuseMetrics;
pub use connections::ConnectionMetrics;
pub use dependency::{Dependency, DependencyMetrics, Meter};
pub use http::HttpMetrics;
pub use pending::PendingMetrics;
pub use reports::ReportMetrics;
pub use staff::StaffMetrics;
pub use tally::TallyMetrics;

/// Metrics of the role `serve`.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Rate limits and bot signals.
    pub abuse: AbuseMetrics,
    /// Connections.
    pub connections: ConnectionMetrics,
    /// Requests.
    pub http: HttpMetrics,
    /// Registrations by campaign and outcome.
    pub registrations: IntCounterVec,
    /// Reasons for rejected registrations, by campaign and reason; one attempt may have several.
    pub refusals: IntCounterVec,
    photo_bytes: Histogram,
    /// Bytes of the upload budget in use.
    pub upload_bytes: IntGauge,
    /// Total upload budget in bytes.
    pub upload_limit: IntGauge,
    /// Requests in progress.
    pub requests_in_flight: IntGauge,
    /// Clients of server-sent events.
    pub event_clients: IntGauge,
    /// Reports.
    pub reports: ReportMetrics,
    /// Buffered photos and pending deletions.
    pub pending: PendingMetrics,
    /// Logins.
    pub staff: StaffMetrics,
    /// Totals.
    pub tally: TallyMetrics,
    /// Dependencies: store, object store and cache.
    pub dependencies: DependencyMetrics,
}

impl Metrics {
    /// Registers all metrics.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        build::register(&registry)?;
        let gauge = |name: &str, help: &str| add(&registry, IntGauge::new(name, help)?);
        Ok(Self {
            abuse: AbuseMetrics::new(&registry)?,
            connections: ConnectionMetrics::new(&registry)?,
            http: HttpMetrics::new(&registry)?,
            registrations: add(
                &registry,
                build::counters(
                    "jornada_registrations_total",
                    "Registrations by campaign and outcome: accepted, retried, taken, deleted, refused, closed, failed",
                    &["campaign", "outcome"],
                )?,
            )?,
            refusals: add(
                &registry,
                build::counters(
                    "jornada_refusals_total",
                    "Reasons for rejected registrations, by campaign; one attempt may have several",
                    &["campaign", "reason"],
                )?,
            )?,
            photo_bytes: add(&registry, photo_sizes()?)?,
            upload_bytes: gauge("jornada_upload_bytes", "Bytes of the upload budget in use")?,
            upload_limit: gauge("jornada_upload_limit_bytes", "Total upload budget in bytes")?,
            requests_in_flight: gauge("jornada_requests_in_flight", "Requests in progress")?,
            event_clients: gauge("jornada_event_clients", "Clients of server-sent events")?,
            reports: ReportMetrics::new(&registry)?,
            pending: PendingMetrics::new(&registry)?,
            staff: StaffMetrics::new(&registry)?,
            tally: TallyMetrics::new(&registry)?,
            dependencies: DependencyMetrics::new(&registry)?,
            registry,
        })
    }

    /// Registers a collector that is computed on every scrape.
    pub fn register(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(collector))
    }

    /// Records the size of a stored photo.
    pub fn photo_kept(&self, bytes: usize) {
        self.photo_bytes
            .observe(f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)));
    }

    /// Registers the counters of dropped log lines.
    pub fn add_logs(&self, dropped: &Dropped) -> Result<(), prometheus::Error> {
        self.registry.register(dropped.collector())
    }

    /// Renders all metrics in the Prometheus text format 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

/// Creates the histogram of photo sizes, up to the limit of 8 MiB.
fn photo_sizes() -> Result<Histogram, prometheus::Error> {
    const KIB: f64 = 1024.0;
    let buckets = [
        32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0,
    ];
    let options = HistogramOpts::new("jornada_photo_bytes", "Sizes of stored photos");
    Histogram::with_opts(options.buckets(buckets.map(|kib| kib * KIB).to_vec()))
}

fn add<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
