//! Metrics of connections to the site. Near the limit, a client holds more connections than it uses.

use prometheus::{
    IntCounter, IntGauge, Registry, register_int_counter_vec_with_registry as counters,
    register_int_gauge_with_registry as gauge,
};

/// Metrics of connections.
#[derive(Clone, Debug)]
pub struct ConnectionMetrics {
    /// Open connections.
    pub open: IntGauge,
    /// Maximum number of connections.
    pub limit: IntGauge,
    /// Longest idle connections that were closed for a new one.
    pub evicted: IntCounter,
    /// Connections refused because all others were active.
    pub refused: IntCounter,
}

impl ConnectionMetrics {
    /// Registers the metrics. Fails if a name is already registered.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let closed = counters!(
            "jornada_connections_turned_away_total",
            "Connections closed because there were too many: waited (the longest idle one), refused (all others were active)",
            &["how"],
            registry
        )?;
        Ok(Self {
            open: gauge!("jornada_connections", "Connections to the site", registry)?,
            limit: gauge!(
                "jornada_connections_limit",
                "Maximum number of connections to the site",
                registry
            )?,
            evicted: closed.with_label_values(&["waited"]),
            refused: closed.with_label_values(&["refused"]),
        })
    }
}
