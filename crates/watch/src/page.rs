//! HTTP port of the watcher: status page, status as JSON, metrics. Never exposed to the public.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::error;

use super::mail::texts::{describe_refusal, describe_result, format_duration};
use super::snapshot::{StatusSnapshot, TargetStatus};
use super::store::history::{self, Availability, ProbeCount};
use super::store::incidents::{self, Incident};
use super::store::outbox;
use super::store::recipients::{self, RefusedRecipient};
use super::watcher::Watcher;
use jornada_http::healthz::healthz;
use jornada_http::page::{PageContext, render};
use jornada_http::{assets, headers};

/// Maximum number of incidents on the page.
const MAX_INCIDENTS: usize = 20;

/// Routes of the watcher's own port.
pub fn router(watcher: Watcher) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/status.json", get(status))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .merge(assets::router())
        .layer(from_fn(headers::security_headers))
        .with_state(watcher)
}

/// Stored history.
struct IncidentHistory {
    availability: BTreeMap<String, Availability>,
    incidents: Vec<Incident>,
    unsent_mails: i64,
    refused: Vec<RefusedRecipient>,
}

impl IncidentHistory {
    async fn load(watcher: &Watcher) -> Result<Self, Response> {
        let now = Timestamp::now();
        let read = watcher.store.run_transaction(move |tx| {
            Ok(Self {
                availability: history::read_availability(tx, now)?,
                incidents: incidents::list_latest(tx)?,
                unsent_mails: outbox::count_unsent(tx)?,
                refused: recipients::list_refused(tx)?,
            })
        });
        read.await.map_err(|error| {
            error!("cannot read the history: {error:#}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })
    }

    fn availability(&self, one: &TargetStatus) -> Availability {
        let known = self.availability.get(&one.target);
        known.copied().unwrap_or_default()
    }
}

async fn metrics(State(watcher): State<Watcher>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], watcher.metrics.text()).into_response()
}

async fn status(State(watcher): State<Watcher>) -> Result<Json<Value>, Response> {
    let history = IncidentHistory::load(&watcher).await?;
    let snapshot = watcher.snapshot.borrow().clone();
    let left = snapshot.count_instances();
    let percent = |count: ProbeCount| count.percent().map(|it| (it * 1_000.0).round() / 1_000.0);
    let targets = snapshot.targets.iter().map(|one| {
        let known = history.availability(one);
        json!({
            "target": one.target,
            "label": one.label,
            "name": one.name,
            "instance": one.is_instance,
            "up": one.up_since.is_some(),
            "up_since": one.up_since,
            "down_since": one.down_since,
            "seen": one.last_result,
            "availability": {"day": percent(known.day), "ninety_days": percent(known.quarter)},
        })
    });
    let incidents = history.incidents.iter().map(|one| {
        json!({
            "target": one.target,
            "label": one.label,
            "since": one.since,
            "until": one.until,
            "falls": one.outages,
            "seen": one.probe_result,
            "told_raised": one.reported_at,
            "told_resolved": one.recovery_reported_at,
        })
    });
    let refused = history.refused.iter().map(|one| {
        json!({
            "recipient": place_of(&watcher, one),
            "since": one.since,
            "step": one.step,
            "code": one.code,
        })
    });
    Ok(Json(json!({
        "watcher": watcher.config.instance,
        "sends": watcher.sends_mails(),
        "at": snapshot.finished_at,
        "instances": {"up": left.up, "all": left.all},
        "pause": snapshot.maintenance,
        "targets": targets.collect::<Vec<_>>(),
        "incidents": incidents.collect::<Vec<_>>(),
        "mails_waiting": history.unsent_mails,
        "refused_recipients": refused.collect::<Vec<_>>(),
    })))
}

/// Returns the place of a recipient in `JORNADA_MAIL_TO`, from 1.
fn place_of(watcher: &Watcher, one: &RefusedRecipient) -> Option<usize> {
    let addresses = watcher.config.mail.addresses();
    let place = addresses.iter().position(|known| *known == one.address)?;
    Some(place + 1)
}

async fn page(State(watcher): State<Watcher>, visit: PageContext) -> Result<Response, Response> {
    let history = IncidentHistory::load(&watcher).await?;
    let snapshot = watcher.snapshot.borrow().clone();
    let page = StatusPage {
        visit: &visit,
        watcher: &watcher,
        snapshot: &snapshot,
        history: &history,
    };
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "watch/status.html")]
struct StatusPage<'a> {
    visit: &'a PageContext,
    watcher: &'a Watcher,
    snapshot: &'a StatusSnapshot,
    history: &'a IncidentHistory,
}

impl StatusPage<'_> {
    fn format_time(&self, at: &Timestamp) -> String {
        let zone = &self.watcher.config.links.zone;
        self.visit.date_time(at, zone)
    }

    /// Describes a refused recipient. The page shows only the first letter of the mailbox.
    fn describe_recipient(&self, one: &RefusedRecipient) -> String {
        let (user, domain) = one.address.rsplit_once('@').unwrap_or_default();
        let first = user.chars().next().unwrap_or_default();
        let place = place_of(self.watcher, one).unwrap_or_default();
        let why = describe_refusal(self.visit.lang, one);
        format!("{place} ({first}…@{domain}): {why}")
    }

    fn headline(&self) -> String {
        let left = self.snapshot.count_instances();
        let (up, all) = (left.up, left.all);
        if self.snapshot.finished_at.is_none() {
            return text!(self.visit.lang, "watch-beginning").to_owned();
        }
        if up == all {
            return text!(self.visit.lang, "watch-all-answer").to_owned();
        }
        text!(self.visit.lang, "watch-some-answer", up = up, all = all)
    }

    fn describe_status(&self, one: &TargetStatus) -> String {
        let result = one.last_result.as_ref();
        let words = result.map_or_else(String::new, |met| describe_result(self.visit.lang, met));
        match (one.down_since, one.up_since) {
            (Some(_), Some(_)) => text!(self.visit.lang, "watch-coming-back").to_owned(),
            (Some(_), None) => text!(self.visit.lang, "watch-down", result = words),
            (None, _) => words,
        }
    }

    fn day_percent(&self, one: &TargetStatus) -> String {
        self.percent(self.history.availability(one).day)
    }

    fn quarter_percent(&self, one: &TargetStatus) -> String {
        self.percent(self.history.availability(one).quarter)
    }

    fn percent(&self, count: ProbeCount) -> String {
        if count.percent().is_none() {
            return "—".into();
        }
        let (up, down) = (u64::from(count.up), u64::from(count.down));
        self.visit.percent(up, up + down)
    }

    fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.history.incidents.iter().take(MAX_INCIDENTS)
    }

    fn duration(&self, one: &Incident) -> String {
        match one.until {
            Some(until) => format_duration(until.duration_since(one.since)),
            None => text!(self.visit.lang, "watch-goes-on").to_owned(),
        }
    }
}
