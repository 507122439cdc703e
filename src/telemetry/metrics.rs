//! Prometheus basics for every role: a registry, counters with labels, and metrics of dependencies. Each module defines
//! its own metrics. Labels are closed sets: route templates, methods, status codes, campaign ids, outcomes, operations.

pub mod dependency;

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

pub use dependency::{Dependency, DependencyMetrics, Meter};

/// Creates a registry with the metrics of the process and `jornada_build_info`, which is always 1 and is labelled with
/// the version.
pub fn registry() -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    registry.register(Box::new(ProcessCollector::for_self()))?;
    let options = Opts::new("jornada_build_info", "Version of this process");
    let build = IntGaugeVec::new(options, &["version"])?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    registry.register(Box::new(build))?;
    Ok(registry)
}

/// Registers a metric and returns it. Fails if the name is taken.
pub fn add<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

/// Creates a counter with labels. Fails if a name is invalid in Prometheus.
pub fn counters(
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

/// Converts a count to a gauge value.
#[must_use]
pub fn gauge_value(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Renders a registry in the Prometheus text format 0.0.4.
#[must_use]
pub fn text(registry: &Registry) -> String {
    TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registry_says_which_version_runs() {
        assert!(text(&registry().unwrap()).contains("jornada_build_info"));
    }
}
