//! The start page: the form of the default campaign, or a list if there are other open campaigns.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;

use super::{AppState, RequestedCampaign, form};
use jornada_domain::Campaign;
use jornada_domain::campaign::CampaignStatus;
use jornada_http::page::{PageContext, render};

/// Route of the start page.
pub fn router() -> Router<AppState> {
    Router::new().route("/", get(show_home))
}

async fn show_home(State(app): State<AppState>, visit: PageContext) -> Response {
    let default = app.campaigns.default();
    let listed = listed_campaigns(&app, Timestamp::now());
    if listed.iter().all(|campaign| campaign.id == default.id) {
        let default = RequestedCampaign(Arc::clone(default));
        return form::show_form(State(app), default, visit).await;
    }
    let page = HomePage {
        visit: &visit,
        campaigns: listed,
    };
    render(StatusCode::OK, &page)
}

/// Returns the open campaigns that the start page lists, the default one first.
fn listed_campaigns(app: &AppState, now: Timestamp) -> Vec<&Arc<Campaign>> {
    let closures = &app.registrations.closures;
    let is_open = |campaign: &&Arc<Campaign>| {
        !campaign.is_unlisted && closures.status(campaign, now) == CampaignStatus::Open
    };
    let mut listed: Vec<_> = app.campaigns.iter().filter(is_open).collect();
    listed.sort_by_key(|campaign| campaign.id != app.campaigns.default().id);
    listed
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    visit: &'a PageContext,
    campaigns: Vec<&'a Arc<Campaign>>,
}
