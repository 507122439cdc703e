//! State shared by all handlers.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use derive_more::Deref;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::error::Error;
use super::event_clients::{EventClient, EventClients};
use super::host::host;
use super::in_flight::InFlightLimit;
use super::tail_reads::TailReads;
use super::tally_views::{CampaignViews, TallyViews};
use crate::app::App;
use crate::config::{Hosts, Proxies, ServeConfig};
use jornada_domain::Campaign;
use jornada_http::budget::UploadBudget;

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
    /// Proxies that may name the client of a request.
    pub proxies: Proxies,
    /// Memory budget of uploads.
    pub uploads: UploadBudget,
    /// Limit of requests in flight.
    pub in_flight: InFlightLimit,
    /// Work of requests that write, whose clients hung up.
    pub writes: TaskTracker,
    /// Whether the instance was ready at the last check.
    pub ready: watch::Sender<bool>,
    /// Public views of the tallies.
    pub tally_views: Arc<TallyViews>,
    /// Audit entries of those who follow the votes.
    pub tail_reads: TailReads,
    /// Limits of the clients of server-sent events.
    pub event_clients: EventClients,
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
            proxies: config.proxies.clone(),
            uploads: UploadBudget::new(config.upload_memory, metrics.upload_bytes.clone())
                .with_slow_places(config.max_requests / 2),
            in_flight: InFlightLimit::new(config.max_requests, metrics.requests_in_flight.clone()),
            writes: TaskTracker::new(),
            ready: watch::Sender::new(false),
            tally_views: Arc::new(TallyViews::new(
                app.campaigns.iter().map(|campaign| &campaign.id),
            )),
            tail_reads: TailReads::default(),
            event_clients: EventClients::new(
                metrics.event_clients.clone(),
                metrics.event_clients_refused.clone(),
            ),
            app,
        }))
    }
}

impl State {
    /// Returns the campaign with this id, or [`Error::NoSuchCampaign`].
    pub fn campaign(&self, id: &str) -> Result<&Arc<Campaign>, Error> {
        self.campaigns.get(id).ok_or(Error::NoSuchCampaign)
    }

    /// Returns the public views of the last totals of a campaign, if any arrived yet.
    pub fn views(&self, campaign: &Campaign) -> Option<Arc<CampaignViews>> {
        let totals = self.live_totals.latest(&campaign.id)?;
        Some(self.tally_views.of(campaign, &totals))
    }

    /// Counts a client of server-sent events, or returns the error for one too many.
    pub fn admit_event_client(&self, client: IpAddr) -> Result<EventClient, Error> {
        let is_limited = !self.admission.is_exempt(client);
        self.event_clients.admit(is_limited.then_some(client))
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
