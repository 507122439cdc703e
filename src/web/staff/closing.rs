//! The page that closes a campaign early and reopens it. For admins.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::{info, warn};

use super::account::Asked;
use super::case::Cabinet;
use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::Action;
use crate::domain::campaign::Opening;
use crate::domain::closing::{Closing, MAX_REASON, read_reason};
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Refusal};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::answer::answer_message;
use crate::web::page::{Visit, show};

const PATH: &str = "/staff/c/{campaign}/close";
const NEED: Need = Need::Permission(Permission::Close);

/// Routes of the page and its two forms.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, NEED, look),
        Route::post(PATH, NEED, close),
        Route::post("/staff/c/{campaign}/reopen", NEED, reopen),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    reason: String,
}

async fn look(
    State(app): State<AppState>,
    cabinet: Cabinet,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let visit = &cabinet.desk.visit;
    let notice = match asked.done.as_str() {
        "closed" => visit.say("La campaña está cerrada.", "The campaign is closed."),
        "reopened" => visit.say(
            "La campaña está abierta de nuevo.",
            "The campaign is open again.",
        ),
        _ => "",
    };
    let page = ClosePage::of(&app, &cabinet, "", notice, None);
    Ok(show(StatusCode::OK, &page))
}

async fn close(
    State(app): State<AppState>,
    cabinet: Cabinet,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let by = cabinet.desk.staff.actor();
    let closing = match Closing::order(&by, &typed.reason, Timestamp::now()) {
        Ok(closing) => closing,
        Err(refusal) => return Ok(again(&app, &cabinet, &typed, &refusal)),
    };
    let deed = cabinet.deed(Action::Close);
    cabinet.note(deed.with("reason", &closing.reason)).await?;
    app.store.close(&cabinet.campaign.id, &closing).await?;
    info!(campaign = %cabinet.campaign.id, staff = by, "closed a campaign");
    Ok(done(&app, &cabinet, "closed").await)
}

async fn reopen(
    State(app): State<AppState>,
    cabinet: Cabinet,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let reason = match read_reason(&typed.reason) {
        Ok(reason) => reason,
        Err(refusal) => return Ok(again(&app, &cabinet, &typed, &refusal)),
    };
    let deed = cabinet.deed(Action::Reopen);
    cabinet.note(deed.with("reason", reason)).await?;
    app.store.reopen(&cabinet.campaign.id).await?;
    info!(campaign = %cabinet.campaign.id, staff = cabinet.desk.staff.logged(), "reopened a campaign");
    Ok(done(&app, &cabinet, "reopened").await)
}

/// Applies the change on this instance at once, and redirects. Other instances apply it when they next poll.
async fn done(app: &AppState, cabinet: &Cabinet, what: &str) -> Response {
    if let Err(error) = app.registrations.closings.look(&app.store).await {
        warn!("cannot reload early closures, waiting for the next poll: {error}");
    }
    let to = cabinet.desk.visit.link_done(&cabinet.path("close"), what);
    Redirect::to(&to).into_response()
}

fn again(app: &AppState, cabinet: &Cabinet, typed: &Typed, refusal: &Refusal) -> Response {
    let visit = &cabinet.desk.visit;
    let name = visit.say("Motivo", "Reason");
    let problem = format!("{name}: {}", answer_message(refusal, visit.lang));
    let page = ClosePage::of(app, cabinet, &typed.reason, "", Some(&problem));
    show(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

#[derive(Template)]
#[template(path = "staff/close.html")]
struct ClosePage<'a> {
    visit: Visit,
    desk: &'a Desk,
    campaign: &'a Campaign,
    closing: Option<Closing>,
    opening: Opening,
    reason: &'a str,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl<'a> ClosePage<'a> {
    fn of(
        app: &AppState,
        cabinet: &'a Cabinet,
        reason: &'a str,
        notice: &'a str,
        problem: Option<&'a str>,
    ) -> Self {
        let closings = &app.registrations.closings;
        let campaign = &cabinet.campaign;
        Self {
            visit: cabinet.desk.visit.at(&cabinet.path("close")),
            desk: &cabinet.desk,
            campaign,
            closing: closings.of(&campaign.id),
            opening: closings.opening(campaign, Timestamp::now()),
            reason,
            notice,
            problem,
        }
    }

    fn is_over(&self) -> bool {
        self.opening == Opening::Over
    }
}
