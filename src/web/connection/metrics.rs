//! What is counted of connections to the site: near their bound, somebody holds more than they use.

use prometheus::{IntCounter, IntGauge, Registry};

use crate::telemetry::metrics::{add, counters};

/// What is counted of connections.
#[derive(Clone, Debug)]
pub struct ConnectionMetrics {
    /// Connections that are open.
    pub open: IntGauge,
    /// Most that may be.
    pub limit: IntGauge,
    /// Those that waited for longest and were closed for the next one.
    pub gave_way: IntCounter,
    /// Those that found every other one at work.
    pub refused: IntCounter,
}

impl ConnectionMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let closed = counters(
            "jornada_connections_turned_away_total",
            "Connections closed because there were too many: waited (the longest idle one), refused (all others were at work)",
            &["how"],
        )?;
        let closed = add(registry, closed)?;
        let gauge = |name: &str, help: &str| add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            open: gauge("jornada_connections", "Connections to the site")?,
            limit: gauge(
                "jornada_connections_limit",
                "Most connections to the site at once",
            )?,
            gave_way: closed.with_label_values(&["waited"]),
            refused: closed.with_label_values(&["refused"]),
        })
    }
}
