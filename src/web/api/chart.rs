//! The chart, which is the first tally of a campaign, from the memory of this instance: once, or as server-sent events.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use utoipa::ToSchema;

use super::event_stream::{self, Message};
use super::tally_body::ChartBody;
use crate::web::address::ClientAddress;
use crate::web::error::Error;
use crate::web::error::problem::Problem;
use crate::web::tally_views::CampaignViews;
use crate::web::{AppState, RequestedCampaign};
use jornada_domain::Campaign;

/// Interval at which unchanged totals are sent again, so that clients can show how current they are.
pub(super) const RESEND_INTERVAL: SignedDuration = SignedDuration::from_secs(10);

/// Totals per value, highest first.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/chart",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The totals", body = ChartBody),
        (status = 304, description = "As in the earlier answer"),
        (status = 404, description = "No such campaign", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No totals yet", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "chart"
)]
pub async fn chart(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let views = app.views(&campaign).ok_or(Error::Busy)?;
    let view = views.chart().ok_or(Error::Busy)?;
    let json = chart_json(&campaign, &views).ok_or(Error::Busy)?;
    respond_unless_known(&headers, &view.etag, || json)
}

/// Returns the chart as JSON, rendered once for all clients.
fn chart_json(campaign: &Campaign, views: &CampaignViews) -> Option<Bytes> {
    let (view, tally) = (views.chart()?, campaign.public_tallies().next()?);
    let render = || Bytes::from(to_json(&ChartBody::new(campaign, tally, view)));
    Some(views.chart_json.get_or_init(render).clone())
}

/// Serializes a body.
pub(super) fn to_json(body: &impl serde::Serialize) -> String {
    serde_json::to_string(body).expect("texts, numbers and flags are always JSON")
}

/// Returns the JSON with its entity tag, or 304 if the client has it.
pub(super) fn respond_unless_known(
    headers: &HeaderMap,
    etag: &str,
    json: impl FnOnce() -> Bytes,
) -> Result<Response, Error> {
    let tag = HeaderValue::from_str(etag).map_err(|error| Error::Internal(error.into()))?;
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let common = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    if known.is_some_and(|known| etag_matches(known, etag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((common, kind, json()).into_response())
}

/// Weak comparison of a list of entity tags (RFC 9110, section 8.8.3.2).
fn etag_matches(known: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|tag| opaque(tag) == opaque(etag))
}

/// One event, as described in the API documentation.
#[derive(Debug, ToSchema)]
pub struct ChartEvent {
    /// The chart as JSON.
    pub data: String,
}

/// The totals as server-sent events: at once, and at most twice a second while they change. `/tallies/events` sends less.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/chart/events",
    params(("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion")),
    responses(
        (status = 200, description = "Events whose data is the chart as JSON", body = ChartEvent, content_type = "text/event-stream"),
        (status = 404, description = "No such campaign", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many listen from this address", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many listen to this instance", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "chart"
)]
pub async fn events(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    ClientAddress(address): ClientAddress,
) -> Result<Response, Error> {
    let client = app.admit_event_client(address)?;
    let totals = app.live_totals.subscribe(&campaign.id);
    let totals = totals.ok_or(Error::NoSuchCampaign)?;
    let stop = app.stop.clone().cancelled_owned();
    let mut last: Option<(String, Timestamp)> = None;
    Ok(event_stream::respond(totals, client, stop, move |totals| {
        let views = app.tally_views.of(&campaign, totals);
        let news = views.chart().and_then(|view| {
            let is_news = last.as_ref().is_none_or(|(known, as_of)| {
                *known != view.etag || view.as_of.duration_since(*as_of) >= RESEND_INTERVAL
            });
            is_news.then(|| (view.etag.clone(), view.as_of))
        });
        let Some(news) = news else { return Vec::new() };
        last = Some(news);
        let json =
            chart_json(&campaign, &views).and_then(|json| String::from_utf8(json.into()).ok());
        let message = |data| Message { name: None, data };
        json.map(message).into_iter().collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_matches_in_any_list() {
        assert!(etag_matches("W/\"a\"", "W/\"a\""));
        assert!(etag_matches("\"b\", \"a\"", "W/\"a\""));
        assert!(etag_matches("*", "W/\"a\""));
        assert!(!etag_matches("\"b\"", "W/\"a\""));
    }
}
