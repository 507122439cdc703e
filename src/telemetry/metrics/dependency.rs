//! What is counted of the servers that an instance needs: whether they answer, how long each operation takes, and
//! how many fail. A [`Meter`] goes with each of them, so that one place times all of its operations.

use std::time::Instant;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{add, counters};

/// Seconds, from a read out of memory to the 10 s after which a store counts as away.
const BUCKETS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// What an instance needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// Where registrations are kept.
    Store,
    /// Where photos are kept.
    Photos,
    /// Where totals are kept.
    Cache,
}

impl Dependency {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Store, Self::Photos, Self::Cache];

    /// The label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Photos => "photos",
            Self::Cache => "cache",
        }
    }
}

/// What is counted of all dependencies.
#[derive(Clone, Debug)]
pub struct DependencyMetrics {
    up: IntGaugeVec,
    seconds: HistogramVec,
    errors: IntCounterVec,
}

impl DependencyMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = ["dependency", "operation"];
        let seconds = HistogramOpts::new(
            "jornada_dependency_operation_duration_seconds",
            "Time of an operation, whatever came of it",
        );
        let up = Opts::new(
            "jornada_dependency_up",
            "1 if the dependency answered when it was last asked",
        );
        Ok(Self {
            up: add(registry, IntGaugeVec::new(up, &labels[..1])?)?,
            seconds: add(
                registry,
                HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &labels)?,
            )?,
            errors: add(
                registry,
                counters(
                    "jornada_dependency_errors_total",
                    "Operations that failed",
                    &labels,
                )?,
            )?,
        })
    }

    /// Notes whether a dependency answers.
    pub fn answers(&self, dependency: Dependency, up: bool) {
        self.up
            .with_label_values(&[dependency.name()])
            .set(up.into());
    }

    /// What times the operations of one dependency.
    #[must_use]
    pub fn meter(&self, dependency: Dependency) -> Meter {
        Meter(Some((dependency, self.clone())))
    }
}

/// Times the operations of one dependency; the default notes nothing, for roles and tests that count nothing.
#[derive(Clone, Debug, Default)]
pub struct Meter(Option<(Dependency, DependencyMetrics)>);

impl Meter {
    /// Waits for an operation and notes its time, and whether it failed. One that is given up on the way, as when it
    /// takes too long, has failed too.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn time<T, E>(
        &self,
        operation: &'static str,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some((dependency, metrics)) = &self.0 else {
            return asked.await;
        };
        let mut timed = Timed {
            metrics,
            labels: [dependency.name(), operation],
            start: Instant::now(),
            failed: true,
        };
        let answer = asked.await;
        timed.failed = answer.is_err();
        answer
    }
}

/// An operation on its way; noted when it is dropped, however it ends.
struct Timed<'m> {
    metrics: &'m DependencyMetrics,
    labels: [&'static str; 2],
    start: Instant,
    failed: bool,
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        let seconds = self.metrics.seconds.with_label_values(&self.labels);
        seconds.observe(self.start.elapsed().as_secs_f64());
        // Made with the first operation, so that a rate has a 0 to start from.
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
