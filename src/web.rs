//! HTTP: the public listener and the operations listener. Each file has its `router()` beside its handlers.

pub mod address;
pub mod api;
pub mod assets;
pub mod budget;
pub mod chart;
pub mod connection;
pub mod docs;
pub mod error;
pub mod form;
pub mod headers;
pub mod health;
pub mod lang;
pub mod metrics;
pub mod observe;
pub mod page;
pub mod places;
pub mod qr;
pub mod receipt;
pub mod report;
pub mod staff;
pub mod strict;
pub mod submission;
pub mod upload;

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::admission::Admission;
use crate::app::metrics::Metrics;
use crate::campaigns::Campaigns;
use crate::config::Hosts;
use crate::domain::Campaign;
use crate::intake::Intake;
use crate::photo::Photos;
use crate::report::Reports;
use crate::staff::overview::Overviews;
use crate::staff::{Audit, Gate};
use crate::tally::Tally;
use crate::tally::board::Board;
use budget::UploadBudget;
use error::Error;
use places::Places;

/// Most clients of server-sent events on one instance.
pub const MAX_EVENT_CLIENTS: usize = 2_000;

/// What every handler may use; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<App>);

/// The parts of the role `serve`.
#[derive(Debug)]
pub struct App {
    /// Name of this instance.
    pub instance: String,
    /// How people reach the site, if it was set.
    pub public_url: Option<String>,
    /// Under which names the site answers.
    pub hosts: Hosts,
    /// The campaigns.
    pub campaigns: Campaigns,
    /// The way in; holds the store and the photo store.
    pub intake: Intake,
    /// Totals, for asking a refresh.
    pub tally: Tally,
    /// Totals, for showing them.
    pub board: Board,
    /// Where reports are written.
    pub reports: Reports,
    /// Where the files of reports are that are made in the background.
    pub files: Photos,
    /// Told when there is a new job.
    pub job_asked: Arc<Notify>,
    /// Memory for uploads.
    pub uploads: UploadBudget,
    /// A place for each request in work.
    pub places: Places,
    /// A place for each client of server-sent events.
    pub event_clients: Arc<Semaphore>,
    /// Rate limits and bot checks.
    pub admission: Admission,
    /// What logging in needs.
    pub gate: Gate,
    /// The record of who looks at what.
    pub audit: Audit,
    /// The numbers that the staff see first.
    pub overviews: Overviews,
    /// What is counted.
    pub metrics: Metrics,
    /// Cancelled when this instance shall end.
    pub stop: CancellationToken,
}

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl AppState {
    /// Shares the parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self(Arc::new(app))
    }
}

impl App {
    /// The campaign of this id.
    ///
    /// # Errors
    /// [`Error::NoSuchCampaign`].
    pub fn campaign(&self, id: &str) -> Result<&Arc<Campaign>, Error> {
        self.campaigns.get(id).ok_or(Error::NoSuchCampaign)
    }

    /// The address of the site without a slash at its end: as set, or as the client reached it.
    #[must_use]
    pub fn base_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let host = strict::host(headers);
        let host = host.as_ref().map_or("localhost", |host| host.as_str());
        let scheme = if self.is_secure(headers) {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{host}")
    }

    /// Whether the browser is on TLS, as far as settings or nginx tell.
    #[must_use]
    pub fn is_secure(&self, headers: &HeaderMap) -> bool {
        match &self.public_url {
            Some(url) => url.starts_with("https:"),
            None => headers
                .get("x-forwarded-proto")
                .is_some_and(|scheme| scheme == "https"),
        }
    }
}

/// The public listener.
pub fn router(app: &AppState) -> Router {
    let work = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), places::enter))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(DefaultBodyLimit::max(upload::MAX_BODY_BYTES));
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .layer(from_fn_with_state(app.clone(), headers::guard))
        .layer(from_fn(error::present))
        .layer(from_fn_with_state(app.clone(), strict::judge));
    Router::new()
        .merge(api::router())
        .merge(pages())
        .merge(staff::router(app))
        .fallback(|| async { Error::NoSuchPage })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(work)
        // Alive is also who is busy.
        .route("/healthz", get(health::healthz))
        .layer(around)
        .with_state(app.clone())
}

/// What browsers ask for, compressed: phones have bad networks. The API is not, since its answers are small.
fn pages() -> Router<AppState> {
    Router::new()
        .merge(form::router())
        .merge(receipt::router())
        .merge(chart::router())
        .merge(docs::router())
        .merge(assets::router())
        .layer(CompressionLayer::new())
}
