//! Metrics of connections to the site. Near the limit, a client holds more connections than it uses.

use prometheus::{IntCounter, IntGauge, Registry};

use jornada_runtime::metrics::{add, counters};

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
    /// Registers the metrics.
    ///
    /// # Errors
    /// Fails if a metric name is already registered.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let closed = counters(
            "jornada_connections_turned_away_total",
            "Connections closed because there were too many: waited (the longest idle one), refused (all others were active)",
            &["how"],
        )?;
        let closed = add(registry, closed)?;
        let gauge = |name: &str, help: &str| add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            open: gauge("jornada_connections", "Connections to the site")?,
            limit: gauge(
                "jornada_connections_limit",
                "Maximum number of connections to the site",
            )?,
            evicted: closed.with_label_values(&["waited"]),
            refused: closed.with_label_values(&["refused"]),
        })
    }
}
