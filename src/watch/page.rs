//! HTTP port of the watcher: status page, the same as JSON, and metrics. Never exposed to the public.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::error;

use super::board::{Board, Standing};
use super::ledger::history::{self, Availability, Count};
use super::ledger::incidents::{self, Incident};
use super::ledger::{Ledger, outbox};
use super::mail::words::{seen, span};
use super::metrics::Metrics;
use super::share::Lead;
use crate::web::healthz::healthz;
use crate::web::page::{Visit, show};
use crate::web::{assets, headers};

/// Maximum number of incidents on the page.
const SHOWN: usize = 20;

/// State of the handlers.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Name of this watcher.
    pub watcher: String,
    /// Time zone of the page.
    pub zone: TimeZone,
    /// Result of the last round.
    pub board: watch::Receiver<Board>,
    /// Leadership of this watcher, and whether Redis answers.
    pub lead: watch::Receiver<(Lead, bool)>,
    /// Local store.
    pub ledger: Ledger,
    /// Metrics.
    pub metrics: Metrics,
}

/// Routes of the watcher's own port.
pub fn router(shown: Shown) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/status.json", get(status))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .merge(assets::router())
        .layer(from_fn(headers::forbid))
        .with_state(shown)
}

/// Stored history.
struct Past {
    availability: BTreeMap<String, Availability>,
    incidents: Vec<Incident>,
    waiting: i64,
}

impl Shown {
    async fn past(&self) -> Result<Past, Response> {
        let now = Timestamp::now();
        let read = self.ledger.write(move |tx| {
            Ok(Past {
                availability: history::availability(tx, now)?,
                incidents: incidents::latest(tx)?,
                waiting: outbox::waiting(tx)?,
            })
        });
        read.await.map_err(|error| {
            error!("cannot read the history: {error:#}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })
    }
}

async fn metrics(State(shown): State<Shown>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shown.metrics.text()).into_response()
}

async fn status(State(shown): State<Shown>) -> Result<Json<Value>, Response> {
    let past = shown.past().await?;
    let board = shown.board.borrow().clone();
    let left = board.left();
    let percent = |count: Count| count.percent().map(|it| (it * 1_000.0).round() / 1_000.0);
    let targets = board.targets.iter().map(|one| {
        let known = past
            .availability
            .get(&one.target)
            .copied()
            .unwrap_or_default();
        json!({
            "target": one.target,
            "label": one.label,
            "name": one.name,
            "instance": one.is_instance,
            "up": one.up_since.is_some(),
            "up_since": one.up_since,
            "down_since": one.down_since,
            "seen": one.seen,
            "availability": {"day": percent(known.day), "ninety_days": percent(known.quarter)},
        })
    });
    let incidents = past.incidents.iter().map(|one| {
        json!({
            "target": one.target,
            "label": one.label,
            "since": one.since,
            "until": one.until,
            "falls": one.falls,
            "seen": one.seen,
            "told_raised": one.told_raised,
            "told_resolved": one.told_resolved,
        })
    });
    Ok(Json(json!({
        "watcher": shown.watcher,
        "sends": shown.lead.borrow().0.sends(),
        "at": board.at,
        "instances": {"up": left.up, "all": left.all},
        "pause": board.pause,
        "targets": targets.collect::<Vec<_>>(),
        "incidents": incidents.collect::<Vec<_>>(),
        "mails_waiting": past.waiting,
    })))
}

async fn page(State(shown): State<Shown>, visit: Visit) -> Result<Response, Response> {
    let past = shown.past().await?;
    let board = shown.board.borrow().clone();
    let page = StatusPage {
        visit: &visit,
        shown: &shown,
        board: &board,
        past: &past,
    };
    Ok(show(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "watch/status.html")]
struct StatusPage<'a> {
    visit: &'a Visit,
    shown: &'a Shown,
    board: &'a Board,
    past: &'a Past,
}

impl StatusPage<'_> {
    fn moment(&self, at: &Timestamp) -> String {
        self.visit.moment(at, &self.shown.zone)
    }

    fn headline(&self) -> String {
        let left = self.board.left();
        let (up, all) = (left.up, left.all);
        if self.board.at.is_none() {
            return self
                .visit
                .say("Empezando a mirar", "Beginning to look")
                .to_owned();
        }
        if up == all {
            return self
                .visit
                .say("Todas las instancias responden", "All instances answer")
                .to_owned();
        }
        self.visit.lang.pick(
            format!("Responden {up} de {all} instancias"),
            format!("{up} of {all} instances answer"),
        )
    }

    fn state(&self, one: &Standing) -> String {
        let words = one.seen.as_ref().map(|met| seen(self.visit.lang, met));
        let words = words.unwrap_or_default();
        match (one.down_since, one.up_since) {
            (Some(_), Some(_)) => self.visit.say("volviendo", "coming back").to_owned(),
            (Some(_), None) => format!("{}: {words}", self.visit.say("CAÍDA", "DOWN")),
            (None, _) => words,
        }
    }

    fn day(&self, one: &Standing) -> String {
        self.share(self.availability(one).day)
    }

    fn quarter(&self, one: &Standing) -> String {
        self.share(self.availability(one).quarter)
    }

    fn availability(&self, one: &Standing) -> Availability {
        let known = self.past.availability.get(&one.target);
        known.copied().unwrap_or_default()
    }

    fn share(&self, count: Count) -> String {
        if count.percent().is_none() {
            return "—".into();
        }
        let (up, down) = (u64::from(count.up), u64::from(count.down));
        self.visit.share(up, up + down)
    }

    fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.past.incidents.iter().take(SHOWN)
    }

    fn length(&self, one: &Incident) -> String {
        match one.until {
            Some(until) => span(until.duration_since(one.since)),
            None => self.visit.say("sigue", "goes on").to_owned(),
        }
    }

    fn sends(&self) -> bool {
        self.shown.lead.borrow().0.sends()
    }
}
