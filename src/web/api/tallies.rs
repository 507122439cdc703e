//! The public tallies of a campaign: one as a whole, or all as server-sent differences.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::chart::{RESEND_INTERVAL, respond_unless_known, to_json};
use super::event_stream::{self, Message};
use super::tally_body::{TallyBody, TallyChangeBody};
use crate::web::address::ClientAddress;
use crate::web::error::Error;
use crate::web::error::problem::Problem;
use crate::web::tally_views::{TallyView, etag};
use crate::web::{AppState, RequestedCampaign};
use jornada_domain::tally::{PublicTally, TallyChange};
use jornada_domain::{Campaign, Tally};

/// Query of a tally.
#[derive(Debug, Default, Deserialize)]
pub struct TallyQuery {
    /// Value of the first field.
    key: Option<String>,
}

/// One tally, highest counts first.
///
/// Closed lists have all values; of answers that people type freely the 500 highest are listed. If people typed more than
/// 20,000, only the highest 20,000 have counts of their own, which are exact; a value that rises among them is found within 30 s, or
/// within ten times the time of a recount. In campaigns with
/// personal data no number, and no difference of two answers, tells a count below `suppress_below`: values are listed
/// from one more, and `others` has the sum of the rest in steps of that size, or nothing if it could tell one of them. Whoever
/// registers invented people until a value is listed learns its count before: only the limits of the form prevent that.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/tallies/{tally}",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion"),
        ("tally" = String, Path, description = "Id of the tally", example = "ciudad"),
        ("key" = Option<String>, Query, description = "Only this value of the first field, in any spelling", example = "Bogotá"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The tally", body = TallyBody),
        (status = 304, description = "As in the earlier answer"),
        (status = 404, description = "No such campaign or tally, or a key that is not in the list of the field", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No counts yet", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "tallies"
)]
pub async fn tally(
    State(app): State<AppState>,
    Path((campaign, tally)): Path<(String, String)>,
    Query(query): Query<TallyQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let (index, tally) = find_tally(campaign, &tally)?;
    let key = query.key.as_deref();
    let key = key
        .map(|typed| first_key(campaign, tally, typed))
        .transpose()?;
    let views = app.views(campaign).ok_or(Error::Busy)?;
    let view = views.tallies.get(index).and_then(Option::as_ref);
    let view = view.ok_or(Error::Busy)?;
    let public = match &key {
        None => Arc::clone(&view.public),
        Some(key) => {
            let (fields, merged) = (&campaign.fields, &view.merged);
            Arc::new(PublicTally::new(fields, tally, merged, Some(key)))
        }
    };
    let body = || {
        let body = TallyBody::new(campaign, tally, view, &public);
        let is_whole = key.is_none();
        Bytes::from(to_json(&if is_whole { body } else { body.of_one_value() }))
    };
    respond_unless_known(&headers, &etag(&public, view.stale), body)
}

/// Returns the public tally with this id, and its position.
pub(crate) fn find_tally<'c>(
    campaign: &'c Campaign,
    id: &str,
) -> Result<(usize, &'c Tally), Error> {
    let mut tallies = campaign.public_tallies().enumerate();
    let found = tallies.find(|(_, known)| known.id == id);
    found.ok_or_else(|| no_such_tally(campaign))
}

fn no_such_tally(campaign: &Campaign) -> Error {
    let ids = campaign.public_tallies().map(|tally| tally.id.clone());
    Error::NoSuchTally(ids.collect())
}

/// Returns the counted value of a typed key. A value that may occur is valid whether or not somebody chose it.
pub(crate) fn first_key(campaign: &Campaign, tally: &Tally, typed: &str) -> Result<String, Error> {
    let fields = tally.key_fields(&campaign.fields);
    let field = fields.first().ok_or(Error::NoSuchValue)?;
    if typed.is_empty() && !field.required {
        return Ok(String::new());
    }
    let value = field.tally_value_of(typed).ok().flatten();
    value.ok_or(Error::NoSuchValue)
}

/// One event, as described in the API documentation.
#[derive(Debug, ToSchema)]
pub struct TallyEvent {
    /// `tally` for the first event of each tally, then `change`.
    pub event: String,
    /// The tally as JSON, or a `TallyChange`: what changed since the last event about it.
    pub data: String,
}

/// Query of the events.
#[derive(Debug, Default, Deserialize)]
pub struct EventsQuery {
    /// Id of a tally.
    tally: Option<String>,
}

/// All tallies, or one of them, as server-sent differences: each tally as a whole first, and then at most twice a second
/// what changed.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/tallies/events",
    operation_id = "tally_events",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion"),
        ("tally" = Option<String>, Query, description = "Only this tally", example = "ciudad"),
    ),
    responses(
        (status = 200, description = "Events named `tally`, whose data is a tally as JSON, and `change`", body = TallyEvent, content_type = "text/event-stream"),
        (status = 404, description = "No such campaign or tally", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many listen from this address", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many listen to this instance", body = Problem, content_type = "application/problem+json"),
    ),
    tag = "tallies"
)]
pub async fn events(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    Query(query): Query<EventsQuery>,
    ClientAddress(address): ClientAddress,
) -> Result<Response, Error> {
    let wanted = |tally: &&Tally| query.tally.as_ref().is_none_or(|id| tally.id == *id);
    if !campaign.public_tallies().any(|tally| wanted(&tally)) {
        return Err(no_such_tally(&campaign));
    }
    let client = app.admit_event_client(address)?;
    let totals = app.live_totals.subscribe(&campaign.id);
    let totals = totals.ok_or(Error::NoSuchCampaign)?;
    let stop = app.stop.clone().cancelled_owned();
    let mut sent: HashMap<usize, TallyView> = HashMap::new();
    Ok(event_stream::respond(totals, client, stop, move |totals| {
        let views = app.tally_views.of(&campaign, totals);
        let tallies = campaign.public_tallies().enumerate().zip(&views.tallies);
        let mut messages = Vec::new();
        for ((index, tally), view) in tallies {
            let is_wanted = query.tally.as_ref().is_none_or(|id| tally.id == *id);
            let Some(view) = view.as_ref().filter(|_| is_wanted) else {
                continue;
            };
            if let Some(message) = news(&campaign, tally, view, sent.get(&index)) {
                messages.push(message);
                sent.insert(index, view.clone());
            }
        }
        messages
    }))
}

/// Returns the event about a tally: all of it, then what changed or, from time to time, that nothing did.
fn news(
    campaign: &Campaign,
    tally: &Tally,
    view: &TallyView,
    last: Option<&TallyView>,
) -> Option<Message> {
    let Some(last) = last else {
        let body = TallyBody::new(campaign, tally, view, &view.public);
        return Some(Message {
            name: Some("tally"),
            data: to_json(&body),
        });
    };
    let change = view.public.since(&last.public);
    let is_due = |from: Timestamp| view.as_of.duration_since(from) >= RESEND_INTERVAL;
    if change.is_none() && view.stale == last.stale && !is_due(last.as_of) {
        return None;
    }
    let change = change.unwrap_or_else(|| TallyChange {
        total: view.public.total,
        others: view.public.others,
        ..TallyChange::default()
    });
    Some(Message {
        name: Some("change"),
        data: to_json(&TallyChangeBody::new(tally, view, &change)),
    })
}
