//! Metrics of the watcher, on a registry of their own. The label `target` is a host and port from the settings: a
//! closed set.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, histogram_opts,
    register_histogram_vec_with_registry, register_int_counter_vec_with_registry,
    register_int_counter_with_registry, register_int_gauge_vec_with_registry,
    register_int_gauge_with_registry,
};

use super::setting::WatchedUrl;
use super::snapshot::StatusSnapshot;
use jornada_runtime::logs::DroppedLines;
use jornada_runtime::metrics::{gauge_value, text};

/// Metrics of the role `watch`.
#[derive(Clone, Debug)]
pub struct WatchMetrics {
    registry: Registry,
    target_up: IntGaugeVec,
    addresses: IntGaugeVec,
    open_incidents: IntGauge,
    round_at: IntGauge,
    paused: IntGauge,
    pub incidents: IntCounterVec,
    pub mails: IntCounterVec,
    pub outbox: IntGauge,
    pub refused: IntGauge,
    pub probes: HistogramVec,
    pub leader: IntGauge,
    pub unrecorded: IntCounter,
}

impl WatchMetrics {
    /// Registers all metrics, with zero for every target.
    pub fn new(watched: &[WatchedUrl], dropped: &DroppedLines) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        registry.register(dropped.collector())?;
        let gauge =
            |name: &str, help: &str| register_int_gauge_with_registry!(name, help, registry);
        let by_target = |name: &str, help: &str| {
            register_int_gauge_vec_with_registry!(name, help, &["target"], registry)
        };
        let by = |name: &str, help: &str, label: &str| {
            register_int_counter_vec_with_registry!(name, help, &[label], registry)
        };
        let seconds = histogram_opts!(
            "jornada_watch_probe_duration_seconds",
            "Duration of probes, including those without an answer",
            vec![
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5
            ]
        );
        by("jornada_build_info", "Version of this process", "version")?
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .inc();
        let metrics = Self {
            target_up: by_target(
                "jornada_watch_target_up",
                "1 while every address of the target is healthy",
            )?,
            addresses: by_target(
                "jornada_watch_target_addresses",
                "Addresses behind the target's name",
            )?,
            open_incidents: gauge("jornada_watch_incidents_open", "Open incidents")?,
            round_at: gauge(
                "jornada_watch_round_timestamp_seconds",
                "Unix time of the last round of probes",
            )?,
            paused: gauge("jornada_watch_paused", "1 during planned maintenance")?,
            incidents: by(
                "jornada_watch_incidents_total",
                "Incidents raised",
                "target",
            )?,
            mails: by(
                "jornada_watch_mails_total",
                "Attempts to send a mail to one recipient, by outcome: sent, failed, refused",
                "outcome",
            )?,
            outbox: gauge(
                "jornada_watch_outbox_mails",
                "Mails not yet accepted by the SMTP server for each recipient",
            )?,
            refused: gauge(
                "jornada_watch_recipients_refused",
                "Recipients whom the SMTP server refuses permanently",
            )?,
            probes: register_histogram_vec_with_registry!(seconds, &["target"], registry)?,
            leader: gauge(
                "jornada_watch_leader",
                "1 while this watcher sends the mails",
            )?,
            unrecorded: register_int_counter_with_registry!(
                "jornada_watch_rounds_unrecorded_total",
                "Rounds of probes that could not be recorded on disk",
                registry
            )?,
            registry,
        };
        for one in watched {
            metrics.incidents.with_label_values(&[&one.name]);
        }
        for outcome in ["sent", "failed", "refused"] {
            metrics.mails.with_label_values(&[outcome]);
        }
        Ok(metrics)
    }

    /// Sets the gauges to the result of a round.
    pub fn record_round(&self, snapshot: &StatusSnapshot) {
        let mut targets: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
        for one in &snapshot.targets {
            let (addresses, up) = targets.entry(&one.name).or_insert((0, true));
            *addresses += 1;
            *up &= one.up_since.is_some();
        }
        for (name, (addresses, up)) in targets {
            self.target_up.with_label_values(&[name]).set(up.into());
            self.addresses.with_label_values(&[name]).set(addresses);
        }
        let open = snapshot
            .targets
            .iter()
            .filter(|one| one.down_since.is_some());
        self.open_incidents.set(gauge_value(open.count()));
        self.paused.set(snapshot.maintenance.is_some().into());
        self.round_at
            .set(snapshot.finished_at.map_or(0, Timestamp::as_second));
    }

    /// Renders all metrics in the Prometheus text format 0.0.4.
    pub fn text(&self) -> String {
        text(&self.registry)
    }
}
