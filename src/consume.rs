//! Operations listener and metrics of the role `consume`.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use prometheus::Registry;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::web::health::{DependencyCheck, check_dependency, metrics_response, readiness_response};
use jornada_http::healthz::healthz;
use jornada_queue::Observer;
use jornada_queue::metrics::{ConsumerMetrics, StateMetrics};
use jornada_runtime::background;
use jornada_runtime::logs::DroppedLines;
use jornada_runtime::metrics::{Dependency, DependencyMetrics, registry, text};
use jornada_service::votes::consumer::metrics::VoteConsumerMetrics;
use jornada_store::Store;

/// Interval between checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// Metrics of the role `consume`.
#[derive(Clone, Debug)]
pub struct ConsumeMetrics {
    registry: Registry,
    /// The client of the queue.
    pub queue: ConsumerMetrics,
    /// State of the queue.
    pub queue_state: StateMetrics,
    /// Votes.
    pub votes: VoteConsumerMetrics,
    /// The database.
    pub dependencies: DependencyMetrics,
}

impl ConsumeMetrics {
    /// Registers all metrics. Fails if two have the same name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = registry()?;
        Ok(Self {
            queue: ConsumerMetrics::new(&registry)?,
            queue_state: StateMetrics::new(&registry)?,
            votes: VoteConsumerMetrics::new(&registry)?,
            dependencies: DependencyMetrics::new(&registry)?,
            registry,
        })
    }

    /// Adds the count of dropped log lines.
    pub fn register_log_drops(&self, dropped: &DroppedLines) -> Result<(), prometheus::Error> {
        self.registry.register(dropped.collector())
    }
}

/// What the operations listener shows.
#[derive(Clone, Debug)]
pub struct ConsumeState {
    instance: String,
    store: Store,
    observer: Observer,
    metrics: ConsumeMetrics,
    stop: CancellationToken,
}

impl ConsumeState {
    /// Collects the parts.
    pub fn new(
        instance: String,
        store: Store,
        observer: Observer,
        metrics: ConsumeMetrics,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            instance,
            store,
            observer,
            metrics,
            stop: stop.clone(),
        }
    }
}

/// Routes of the operations listener.
pub fn router(state: ConsumeState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(state)
}

async fn metrics(State(state): State<ConsumeState>) -> Response {
    metrics_response(text(&state.metrics.registry))
}

#[derive(Debug, Serialize)]
struct Readiness {
    instance: String,
    ready: bool,
    draining: bool,
    /// Too many records were dead letters.
    stopped: bool,
    store: DependencyCheck,
    queue: QueueCheck,
}

#[derive(Debug, Serialize)]
struct QueueCheck {
    up: bool,
}

impl Readiness {
    async fn check(state: &ConsumeState) -> Self {
        let store = check_dependency(state.store.ping()).await;
        let dependencies = &state.metrics.dependencies;
        dependencies.set_up(Dependency::Store, store.up);
        let queue = QueueCheck {
            up: state.observer.has_answered(),
        };
        let draining = state.stop.is_cancelled();
        let stopped = state.metrics.votes.is_stopped();
        Self {
            instance: state.instance.clone(),
            ready: store.up && queue.up && !draining && !stopped,
            draining,
            stopped,
            store,
            queue,
        }
    }
}

/// Returns the state of store and queue. 503 while one of them does not answer, while draining, and after too many dead
/// letters.
async fn readyz(State(state): State<ConsumeState>) -> Response {
    let readiness = Readiness::check(&state).await;
    readiness_response(readiness.ready, readiness)
}

/// Updates the metrics of store and dead letters until `stop`.
pub async fn poll(state: ConsumeState, stop: CancellationToken) {
    let mut polling = background::every(CHECK_INTERVAL, &stop);
    let look = || async {
        Readiness::check(&state).await;
        let count = state.store.count_dead_letters().await.ok();
        state.metrics.votes.set_kept_dead_letters(count);
    };
    while polling.run(look()).await {}
}
