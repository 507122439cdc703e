//! Metrics of the servers an instance depends on: availability, and duration and errors of each operation. Each client
//! holds a [`Meter`], so that all its operations are measured in one place.

use std::time::Instant;

use prometheus::{
    HistogramVec, IntCounterVec, IntGaugeVec, Registry, histogram_opts,
    register_histogram_vec_with_registry as histograms,
    register_int_counter_vec_with_registry as counters,
    register_int_gauge_vec_with_registry as gauges,
};

/// Buckets in seconds, from a read from memory to the 10 s after which a dependency counts as unavailable.
const BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// A server that an instance depends on. Its name in lower case is a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Dependency {
    /// Database.
    Store,
    /// Object store for photos.
    Photos,
    /// Cache for totals.
    Cache,
}

/// Metrics of all dependencies.
#[derive(Clone, Debug)]
pub struct DependencyMetrics {
    up: IntGaugeVec,
    seconds: HistogramVec,
    errors: IntCounterVec,
}

impl DependencyMetrics {
    /// Registers the metrics. Fails if a name is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = ["dependency", "operation"];
        let seconds = histogram_opts!(
            "jornada_dependency_operation_duration_seconds",
            "Duration of an operation, whatever its outcome",
            BUCKETS.to_vec()
        );
        Ok(Self {
            up: gauges!(
                "jornada_dependency_up",
                "1 if the dependency answered the last check",
                &labels[..1],
                registry
            )?,
            seconds: histograms!(seconds, &labels, registry)?,
            errors: counters!(
                "jornada_dependency_errors_total",
                "Operations that failed",
                &labels,
                registry
            )?,
        })
    }

    /// Sets whether a dependency answers.
    pub fn set_up(&self, dependency: Dependency, up: bool) {
        let name: &str = dependency.into();
        self.up.with_label_values(&[name]).set(up.into());
    }

    /// Returns a meter for the operations of one dependency.
    pub fn meter(&self, dependency: Dependency) -> Meter {
        Meter(Some((dependency, self.clone())))
    }
}

/// Measures the operations of one dependency. The default measures nothing, for commands and tests.
#[derive(Clone, Debug, Default)]
pub struct Meter(Option<(Dependency, DependencyMetrics)>);

impl Meter {
    /// Runs an operation and records its duration and whether it failed. A cancelled operation, for example after a
    /// timeout, counts as failed.
    pub async fn time<T, E>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some((dependency, metrics)) = &self.0 else {
            return work.await;
        };
        let mut timer = OperationTimer {
            metrics,
            labels: [dependency.into(), operation],
            start: Instant::now(),
            failed: true,
        };
        let answer = work.await;
        timer.failed = answer.is_err();
        answer
    }
}

/// A running operation; recorded when dropped, however it ends.
struct OperationTimer<'m> {
    metrics: &'m DependencyMetrics,
    labels: [&'static str; 2],
    start: Instant,
    failed: bool,
}

impl Drop for OperationTimer<'_> {
    fn drop(&mut self) {
        let seconds = self.metrics.seconds.with_label_values(&self.labels);
        seconds.observe(self.start.elapsed().as_secs_f64());
        // Create the counter with the first operation, so that a rate starts from 0.
        let errors = self.metrics.errors.with_label_values(&self.labels);
        errors.inc_by(self.failed.into());
    }
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    #[tokio::test]
    async fn every_operation_is_timed_and_what_fails_or_hangs_is_counted() {
        let registry = Registry::new();
        let metrics = DependencyMetrics::new(&registry).unwrap();
        let meter = metrics.meter(Dependency::Store);
        meter.time("keep", async { Ok::<_, ()>(()) }).await.unwrap();
        meter
            .time("keep", async { Err::<(), _>(()) })
            .await
            .unwrap_err();
        let hanging = meter.time("keep", std::future::pending::<Result<(), ()>>());
        let soon = std::time::Duration::from_millis(1);
        tokio::time::timeout(soon, hanging).await.unwrap_err();
        let text = text(&registry);
        for line in [
            r#"operation_duration_seconds_count{dependency="store",operation="keep"} 3"#,
            r#"jornada_dependency_errors_total{dependency="store",operation="keep"} 2"#,
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
