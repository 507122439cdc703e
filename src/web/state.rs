//! State shared by all handlers.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use derive_more::Deref;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::api::chart_response::ChartResponses;
use super::error::Error;
use super::host::host;
use super::in_flight::InFlightLimit;
use crate::app::App;
use crate::config::{Hosts, ServeConfig};
use jornada_domain::Campaign;
use jornada_http::budget::UploadBudget;

/// Maximum number of clients of server-sent events on one instance.
pub const MAX_EVENT_CLIENTS: usize = 2_000;

/// State shared by all handlers. Cheap to clone.
#[derive(Clone, Debug, Deref)]
pub struct AppState(#[deref(forward)] Arc<State>);

/// [`App`], with the state of the HTTP layer.
#[derive(Debug, Deref)]
pub struct State {
    #[deref(forward)]
    app: Arc<App>,
    /// The public URL, if it is set.
    pub public_url: Option<String>,
    /// Host names of the site.
    pub hosts: Hosts,
    /// Memory budget of uploads.
    pub uploads: UploadBudget,
    /// Limit of requests in flight.
    pub in_flight: InFlightLimit,
    /// Work of requests that write, whose clients hung up.
    pub writes: TaskTracker,
    /// Rendered totals for the API.
    pub charts: ChartResponses,
    /// One permit for each client of server-sent events.
    pub event_clients: Arc<Semaphore>,
}

/// The campaign of the path. Extractor for public paths with a campaign.
#[derive(Clone, Debug)]
pub struct RequestedCampaign(pub Arc<Campaign>);

impl FromRequestParts<AppState> for RequestedCampaign {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(id) = path.map_err(IntoResponse::into_response)?;
        let campaign = app.campaign(&id).map_err(IntoResponse::into_response)?;
        Ok(Self(campaign.clone()))
    }
}

impl AppState {
    /// Creates the state of the HTTP layer around the app.
    pub fn new(app: Arc<App>, config: &ServeConfig) -> Self {
        let metrics = &app.metrics;
        let upload_limit = config.upload_memory.cast_signed();
        metrics.upload_limit.set(upload_limit);
        Self(Arc::new(State {
            public_url: config.public_url.clone(),
            hosts: config.hosts.clone(),
            uploads: UploadBudget::new(config.upload_memory, metrics.upload_bytes.clone()),
            in_flight: InFlightLimit::new(config.max_requests, metrics.requests_in_flight.clone()),
            writes: TaskTracker::new(),
            charts: ChartResponses::new(app.campaigns.iter().map(|campaign| &campaign.id)),
            event_clients: Arc::new(Semaphore::new(MAX_EVENT_CLIENTS)),
            app,
        }))
    }
}

impl State {
    /// Returns the campaign with this id, or [`Error::NoSuchCampaign`].
    pub fn campaign(&self, id: &str) -> Result<&Arc<Campaign>, Error> {
        self.campaigns.get(id).ok_or(Error::NoSuchCampaign)
    }

    /// Returns the URL of the site without a final slash: the public URL, else the host of the request.
    pub fn base_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let host = host(headers);
        let host = host.as_ref().map_or("localhost", |host| host.as_str());
        let scheme = if self.is_secure(headers) {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{host}")
    }

    /// Returns whether the browser uses TLS, according to the public URL, else to nginx.
    pub fn is_secure(&self, headers: &HeaderMap) -> bool {
        match &self.public_url {
            Some(url) => url.starts_with("https:"),
            None => headers
                .get("x-forwarded-proto")
                .is_some_and(|scheme| scheme == "https"),
        }
    }
}
