//! Operations listener: metrics, liveness and readiness. Never exposed to the public.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::AppState;
use jornada_http::healthz::healthz;
use jornada_queue::Producer;
use jornada_runtime::background;
use jornada_runtime::metrics::Dependency;

/// Timeout per dependency.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// Interval between checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// Routes of the operations listener.
pub fn router(app: &AppState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(app.clone())
}

async fn metrics(State(app): State<AppState>) -> Response {
    metrics_response(app.metrics.text())
}

/// Answers with metrics as text.
pub(crate) fn metrics_response(text: String) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, text).into_response()
}

/// Returns state and latency of each dependency. 503 while draining, or without a store or queue that takes votes.
async fn readyz(State(app): State<AppState>) -> Response {
    let readiness = Readiness::check(&app).await;
    readiness_response(readiness.ready, readiness)
}

/// Answers 200 if the process is ready, else 503.
pub(crate) fn readiness_response(is_ready: bool, readiness: impl Serialize) -> Response {
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

/// Checks the dependencies periodically until `stop`, so that the metrics are current even if nobody requests
/// `/readyz`.
pub async fn poll_dependencies(app: AppState, stop: CancellationToken) {
    let mut polling = background::every(CHECK_INTERVAL, &stop);
    while polling.run(Readiness::check(&app)).await {}
}

#[derive(Debug, Serialize)]
struct Readiness {
    instance: String,
    ready: bool,
    draining: bool,
    store: DependencyCheck,
    photos: DependencyCheck,
    cache: DependencyCheck,
}

#[derive(Debug, Serialize)]
pub(crate) struct DependencyCheck {
    pub(crate) up: bool,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Readiness {
    /// Checks each dependency, within [`CHECK_TIMEOUT`], and updates the metrics.
    async fn check(app: &AppState) -> Self {
        let (store, photos, cache) = tokio::join!(
            check_dependency(app.store.ping()),
            check_dependency(app.object_store.ping()),
            check_dependency(app.tally_cache.ping())
        );
        let checks = [
            (Dependency::Store, &store),
            (Dependency::Photos, &photos),
            (Dependency::Cache, &cache),
        ];
        for (dependency, check) in checks {
            app.metrics.dependencies.set_up(dependency, check.up);
        }
        let draining = app.stop.is_cancelled();
        // While the store is down, the queue takes votes.
        let queue_takes_votes = app.votes.queue.as_ref().is_some_and(Producer::is_up);
        let ready = (store.up || queue_takes_votes) && !draining;
        app.ready.send_if_modified(|last| {
            *last != ready && {
                *last = ready;
                true
            }
        });
        Self {
            instance: app.instance.clone(),
            ready,
            draining,
            store,
            photos,
            cache,
        }
    }
}

pub(crate) async fn check_dependency<E: std::error::Error>(
    ping: impl Future<Output = Result<(), E>>,
) -> DependencyCheck {
    let start = Instant::now();
    let error = match tokio::time::timeout(CHECK_TIMEOUT, ping).await {
        Ok(answer) => answer.err().map(|error| error.to_string()),
        Err(_) => Some("no answer in time".into()),
    };
    DependencyCheck {
        up: error.is_none(),
        ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        error,
    }
}
