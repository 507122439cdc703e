//! The operations listener: metrics, life and readiness. Never proxied.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::AppState;

/// Longest wait for one dependency.
const WAIT: Duration = Duration::from_secs(1);

/// The operations listener.
pub fn router(app: &AppState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(app.clone())
}

/// Answers while the process lives.
pub async fn healthz() -> &'static str {
    "ok\n"
}

async fn metrics(State(app): State<AppState>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, app.metrics.text()).into_response()
}

#[derive(Debug, Serialize)]
struct Readiness {
    instance: String,
    ready: bool,
    draining: bool,
    store: Check,
    photos: Check,
    cache: Check,
}

#[derive(Debug, Serialize)]
struct Check {
    up: bool,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Each dependency with state and milliseconds; 503 while draining, and without the store.
async fn readyz(State(app): State<AppState>) -> Response {
    let (store, photos, cache) = tokio::join!(
        check(app.intake.store.ping()),
        check(app.intake.photos.ping()),
        check(app.tally.ping())
    );
    let draining = app.stop.is_cancelled();
    let readiness = Readiness {
        instance: app.instance.clone(),
        ready: store.up && !draining,
        draining,
        store,
        photos,
        cache,
    };
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

async fn check<E: std::error::Error>(ping: impl Future<Output = Result<(), E>>) -> Check {
    let start = Instant::now();
    let error = match tokio::time::timeout(WAIT, ping).await {
        Ok(answer) => answer.err().map(|error| error.to_string()),
        Err(_) => Some("no answer in time".into()),
    };
    Check {
        up: error.is_none(),
        ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        error,
    }
}
