//! Totals for charts, from the memory of this instance: once, or as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use jiff::SignedDuration;
use tokio::sync::OwnedSemaphorePermit;
use tokio_stream::wrappers::WatchStream;
use utoipa::ToSchema;

use super::chart_response::{ChartBody, ChartResponse};
use crate::web::error::Error;
use crate::web::error::problem::Problem;
use crate::web::{AppState, RequestedCampaign};
use jornada_runtime::metrics::GaugeGuard;
use jornada_service::tally::live_totals::TotalsView;

/// Interval of keep-alive messages while nothing changes.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Interval at which unchanged totals are sent again, so that clients can show how current they are.
const RESEND_INTERVAL: SignedDuration = SignedDuration::from_secs(10);

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
    let chart = app.live_totals.latest(&campaign.id).ok_or(Error::Busy)?;
    let published = app.charts.of(&campaign.id, chart);
    let tag =
        HeaderValue::from_str(&published.etag).map_err(|error| Error::Internal(error.into()))?;
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let common = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    if known.is_some_and(|known| etag_matches(known, &published.etag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let kind = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((common, kind, published.json.clone()).into_response())
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

/// The totals as server-sent events: at once, and at most twice a second while they change.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/chart/events",
    params(("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion")),
    responses(
        (status = 200, description = "Events whose data is the chart as JSON", body = ChartEvent, content_type = "text/event-stream"),
        (status = 404, description = "No such campaign", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many listen to this instance", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "chart"
)]
pub async fn events(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
) -> Result<Response, Error> {
    let permit = app
        .event_clients
        .clone()
        .try_acquire_owned()
        .map_err(|_| Error::Busy)?;
    let client = (permit, GaugeGuard::new(&app.metrics.event_clients));
    let charts = app
        .live_totals
        .subscribe(&campaign.id)
        .ok_or(Error::NoSuchCampaign)?;
    let (state, id) = (app.clone(), campaign.id.clone());
    let rendered = WatchStream::new(charts)
        .map(move |chart: Option<Arc<TotalsView>>| Some(state.charts.of(&id, chart?)));
    let events = event_stream(rendered, client).take_until(app.stop.clone().cancelled_owned());
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    Ok(([unbuffered], events).into_response())
}

/// Returns an event for each chart whose totals changed, or whose time is [`RESEND_INTERVAL`] newer.
fn event_stream(
    charts: impl Stream<Item = Option<Arc<ChartResponse>>>,
    client: (OwnedSemaphorePermit, GaugeGuard),
) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut last: Option<Arc<ChartResponse>> = None;
    charts.filter_map(move |chart| {
        // The stream owns the client, so that it is counted while the stream lives.
        let _ = &client;
        let fresh = chart.filter(|chart| last.as_ref().is_none_or(|last| is_news(last, chart)));
        if fresh.is_some() {
            last.clone_from(&fresh);
        }
        let event = fresh
            .and_then(|chart| Some(Event::default().data(std::str::from_utf8(&chart.json).ok()?)));
        std::future::ready(event.map(Ok))
    })
}

fn is_news(last: &ChartResponse, chart: &ChartResponse) -> bool {
    chart.etag != last.etag
        || chart.totals.as_of.duration_since(last.totals.as_of) >= RESEND_INTERVAL
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
