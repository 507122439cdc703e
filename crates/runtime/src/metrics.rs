//! Prometheus basics for every role: a registry, counters with labels, and metrics of dependencies. Each module defines
//! its own metrics. Labels are closed sets: route templates, methods, status codes, campaign ids, outcomes, operations.

pub mod dependency;

use prometheus::process_collector::ProcessCollector;
use prometheus::{IntGauge, Registry, TextEncoder, register_int_gauge_vec_with_registry};

pub use dependency::{Dependency, DependencyMetrics, Meter};

/// Creates a registry with the metrics of the process and `jornada_build_info`, which is always 1 and is labelled with
/// the version.
pub fn registry() -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    registry.register(Box::new(ProcessCollector::for_self()))?;
    let (name, help) = ("jornada_build_info", "Version of this process");
    register_int_gauge_vec_with_registry!(name, help, &["version"], registry)?
        .with_label_values(&[env!("CARGO_PKG_VERSION")])
        .set(1);
    Ok(registry)
}

/// Converts a count to a gauge value.
pub fn gauge_value(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Renders a registry in the Prometheus text format 0.0.4.
pub fn text(registry: &Registry) -> String {
    TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap_or_default()
}

/// Counts something in a gauge until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct GaugeGuard(IntGauge);

impl GaugeGuard {
    /// Increments the gauge.
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registry_says_which_version_runs() {
        assert!(text(&registry().unwrap()).contains("jornada_build_info"));
    }
}
