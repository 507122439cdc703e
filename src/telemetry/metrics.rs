//! Metrics for Prometheus, on a registry of their own and served on the operations listener alone.
//! Labels are closed sets: route templates, methods, status codes, campaign ids, outcomes.

use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::domain::CampaignId;
use crate::store::Pending;
use crate::tally::board::Chart;
use crate::telemetry::logs::Dropped;

/// Everything that the role `serve` counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests.
    pub http: HttpMetrics,
    /// Registrations by campaign and outcome.
    pub registrations: IntCounterVec,
    /// Bytes of photos kept.
    pub photo_bytes: IntCounter,
    /// Bytes of the upload budget in use.
    pub upload_bytes: IntGauge,
    /// Requests in work.
    pub requests_in_flight: IntGauge,
    /// Clients of server-sent events.
    pub event_clients: IntGauge,
    /// Rows written to reports.
    pub report_rows: IntCounter,
    /// Photos that wait in the store.
    pub pending: PendingMetrics,
    /// The tally's.
    pub tally: TallyMetrics,
}

/// What is counted of requests.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

/// What is counted of photos that wait in the store.
#[derive(Clone, Debug)]
pub struct PendingMetrics {
    photos: IntGauge,
    bytes: IntGauge,
    /// Photos that this instance has moved.
    pub moved: IntCounter,
}

/// What is counted of the tally.
#[derive(Clone, Debug)]
pub struct TallyMetrics {
    drift: IntGaugeVec,
    as_of: IntGaugeVec,
    stale: IntGaugeVec,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// Two metrics of one name: a mistake in this file.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        let build = counters(
            "jornada_build_info",
            "Version of this process",
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).inc();
        registry.register(Box::new(build))?;
        Ok(Self {
            http: HttpMetrics::new(&registry)?,
            registrations: add(
                &registry,
                counters(
                    "jornada_registrations_total",
                    "Registrations by campaign and outcome: accepted, retried, taken, refused, closed, failed",
                    &["campaign", "outcome"],
                )?,
            )?,
            photo_bytes: add(
                &registry,
                IntCounter::new("jornada_photo_bytes_total", "Bytes of photos kept")?,
            )?,
            upload_bytes: add(
                &registry,
                IntGauge::new("jornada_upload_bytes", "Bytes of the upload budget in use")?,
            )?,
            requests_in_flight: add(
                &registry,
                IntGauge::new("jornada_requests_in_flight", "Requests in work")?,
            )?,
            event_clients: add(
                &registry,
                IntGauge::new("jornada_event_clients", "Clients of server-sent events")?,
            )?,
            report_rows: add(
                &registry,
                IntCounter::new("jornada_report_rows_total", "Rows written to reports")?,
            )?,
            pending: PendingMetrics::new(&registry)?,
            tally: TallyMetrics::new(&registry)?,
            registry,
        })
    }

    /// Serves the count of log lines that were left out as well.
    ///
    /// # Errors
    /// When it was added before.
    pub fn add_logs(&self, dropped: &Dropped) -> Result<(), prometheus::Error> {
        self.registry.register(dropped.collector())
    }

    /// The text that Prometheus reads (exposition format 0.0.4).
    #[must_use]
    pub fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

impl HttpMetrics {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = ["route", "method", "status"];
        let seconds = HistogramOpts::new(
            "jornada_http_request_duration_seconds",
            "Time to the answer's head",
        );
        let buckets = vec![
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
        ];
        Ok(Self {
            requests: add(
                registry,
                counters(
                    "jornada_http_requests_total",
                    "Requests by route template, method and status",
                    &labels,
                )?,
            )?,
            seconds: add(
                registry,
                HistogramVec::new(seconds.buckets(buckets), &labels[..2])?,
            )?,
        })
    }

    /// Counts one answer. `route` is the template, never the address.
    pub fn answered(&self, route: &str, method: &str, status: u16, seconds: f64) {
        let mut digits = [0; 3];
        let status = status_text(status, &mut digits);
        self.requests
            .with_label_values(&[route, method, status])
            .inc();
        self.seconds
            .with_label_values(&[route, method])
            .observe(seconds);
    }
}

impl PendingMetrics {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            photos: gauge(
                "jornada_pending_photos",
                "Photos that wait in the store until the photo store takes them; the same on every instance",
            )?,
            bytes: gauge("jornada_pending_photo_bytes", "Bytes of these photos")?,
            moved: add(
                registry,
                IntCounter::new(
                    "jornada_photos_moved_total",
                    "Photos that waited and were moved into the photo store by this instance",
                )?,
            )?,
        })
    }

    /// Notes what waits.
    pub fn waiting(&self, pending: &Pending) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.photos.set(number(pending.photos));
        self.bytes.set(number(pending.bytes));
    }
}

impl TallyMetrics {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            add(
                registry,
                IntGaugeVec::new(Opts::new(name, help), &["campaign"])?,
            )
        };
        Ok(Self {
            drift: gauge(
                "jornada_tally_drift",
                "By how much the totals differed from the store at the last refresh; stays 0",
            )?,
            as_of: gauge(
                "jornada_tally_as_of_seconds",
                "Unix time at which the totals shown were all there was",
            )?,
            stale: gauge(
                "jornada_tally_stale",
                "1 while the totals shown may be out of date",
            )?,
        })
    }

    /// Notes the difference that a refresh found.
    pub fn drift(&self, campaign: &CampaignId, drift: u64) {
        let drift = i64::try_from(drift).unwrap_or(i64::MAX);
        self.drift
            .with_label_values(&[campaign.as_str()])
            .set(drift);
    }

    /// Notes what is shown.
    pub fn shown(&self, campaign: &CampaignId, chart: &Chart) {
        let label = [campaign.as_str()];
        self.as_of
            .with_label_values(&label)
            .set(Timestamp::as_second(chart.as_of));
        self.stale.with_label_values(&label).set(chart.stale.into());
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn add<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

/// Three digits without an allocation: this runs for every request.
fn status_text(status: u16, digits: &mut [u8; 3]) -> &str {
    for (place, power) in [100, 10, 1].into_iter().enumerate() {
        digits[place] = b'0' + u8::try_from(status / power % 10).unwrap_or(0);
    }
    std::str::from_utf8(digits).unwrap_or("000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route() {
        let metrics = Metrics::new().unwrap();
        metrics.http.answered("/c/{campaign}", "GET", 200, 0.01);
        let text = metrics.text();
        assert!(
            text.contains(
                r#"jornada_http_requests_total{method="GET",route="/c/{campaign}",status="200"} 1"#
            ),
            "{text}"
        );
        assert!(text.contains("jornada_build_info"));
    }
}
