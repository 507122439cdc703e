//! HTTP: the public listener and the operations listener. Each file has its `router()` next to its handlers.

pub mod address;
mod aliased_vote;
mod aliases;
pub mod api;
pub mod chart;
pub mod connection;
pub mod docs;
pub mod error;
pub mod event_clients;
pub mod filled_form;
pub mod form;
pub mod health;
mod home;
mod host;
pub mod host_check;
mod hsts;
pub mod in_flight;
pub mod qr;
mod read_only;
pub mod receipt;
pub mod report;
pub mod request_log;
mod results;
pub mod staff;
mod state;
pub mod submission;
pub mod tail_reads;
pub mod tally_metrics;
pub mod tally_views;
pub mod vote_access;
pub mod vote_query;
pub mod votes;
pub mod write_task;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use error::Error;
use jornada_http::{assets, healthz, upload};

pub use state::{AppState, RequestedCampaign, State};

/// Routes of the public listener.
pub fn router(app: &AppState) -> Router {
    let work = ServiceBuilder::new()
        .layer(from_fn_with_state(
            app.in_flight.clone(),
            in_flight::limit_in_flight,
        ))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(DefaultBodyLimit::max(upload::MAX_BODY_BYTES));
    Router::new()
        .merge(api::router())
        .merge(pages())
        .merge(staff::router(app))
        .fallback(aliases::cast_by_alias)
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(work)
        // Outside the limit: a busy instance is alive.
        .route("/healthz", get(healthz::healthz))
        .layer(from_fn_with_state(app.clone(), request_log::log_request))
        .with_state(app.clone())
}

/// Routes of pages, compressed for slow networks. API responses are too small to benefit.
fn pages() -> Router<AppState> {
    Router::new()
        .merge(home::router())
        .merge(form::router())
        .merge(receipt::router())
        .merge(chart::router())
        .merge(results::router())
        .merge(docs::router())
        .merge(assets::router())
        .layer(CompressionLayer::new())
}
