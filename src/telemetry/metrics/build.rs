//! Version of the process, and a helper for labelled counters.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// Registers `jornada_build_info`: always 1, with the version as label.
pub(super) fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    let options = Opts::new("jornada_build_info", "Version of this process");
    let build = IntGaugeVec::new(options, &["version"])?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    registry.register(Box::new(build))
}

pub(super) fn counters(
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}
