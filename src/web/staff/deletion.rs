//! The form that deletes a registration: requires a confirmation and a reason, and that the registration did not change
//! since it was read. For admins.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::case::Case;
use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::Action;
use crate::domain::Campaign;
use crate::domain::record::{self, MAX_REASON, Record};
use crate::domain::staff::Permission;
use crate::intake::amend::delete;
use crate::store::Amended;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::answer::answer_message;
use crate::web::page::{Visit, show, staff_path};

const PATH: &str = "/staff/c/{campaign}/registrations/{id}/delete";
const NEED: Need = Need::Permission(Permission::Delete);

/// Routes of the form.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PATH, NEED, ask), Route::post(PATH, NEED, take)]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    version: String,
    reason: String,
    sure: String,
}

async fn ask(case: Case) -> Result<Response, Error> {
    let record = case.open(Action::Look).await?;
    Ok(answer(
        &case,
        &record,
        &Typed::default(),
        StatusCode::OK,
        None,
    ))
}

async fn take(
    State(app): State<AppState>,
    case: Case,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let record = case.open(Action::Look).await?;
    let (by, now) = (case.desk.staff.actor(), Timestamp::now());
    if typed.version != record.version.to_string() {
        return Ok(stale(&case, &record, &typed));
    }
    let reason = match typed.reason(&case.desk.visit) {
        Ok(reason) => reason,
        Err(wrong) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(answer(&case, &record, &typed, status, Some(&wrong)));
        }
    };
    case.note(case.deed(Action::Delete)).await?;
    let deletion = record.delete(&by, reason, now);
    let (store, photos) = (&app.store, &app.registrations.photos);
    match delete(store, photos, &case.campaign, &record, &deletion).await? {
        Amended::Done => {
            info!(staff = by, "deleted a registration");
            let list = staff_path(&case.campaign.id, "registrations");
            Ok(Redirect::to(&case.desk.visit.link_done(&list, "deleted")).into_response())
        }
        Amended::Stale | Amended::Taken => {
            case.note(case.deed(Action::Delete).with("outcome", "stale"))
                .await?;
            let now = case.open(Action::Look).await?;
            Ok(stale(&case, &now, &typed))
        }
    }
}

fn stale(case: &Case, record: &Record, typed: &Typed) -> Response {
    let words = case.desk.visit.say(
        "Alguien corrigió este registro mientras tanto. No se eliminó nada. Revise cómo quedó y confirme de nuevo.",
        "Somebody corrected this registration meanwhile. Nothing was deleted. Look at it as it is now and confirm again.",
    );
    answer(case, record, typed, StatusCode::CONFLICT, Some(words))
}

fn answer(
    case: &Case,
    record: &Record,
    typed: &Typed,
    status: StatusCode,
    problem: Option<&str>,
) -> Response {
    let page = DeletePage {
        visit: case.desk.visit.at(&case.path("/delete")),
        desk: &case.desk,
        campaign: &case.campaign,
        case,
        record,
        typed,
        problem,
    };
    show(status, &page)
}

impl Typed {
    /// Returns the reason if the deletion is confirmed. The error is the text for the user.
    fn reason(&self, visit: &Visit) -> Result<String, String> {
        if self.sure != "true" {
            let words = visit.say(
                "Marque la casilla si de verdad quiere eliminarlo.",
                "Tick the box if you really want to delete it.",
            );
            return Err(words.to_owned());
        }
        record::reason(&self.reason).map_err(|refused| {
            let name = visit.say("Motivo", "Reason");
            format!("{name}: {}", answer_message(&refused.refusal, visit.lang))
        })
    }
}

#[derive(Template)]
#[template(path = "staff/delete.html")]
struct DeletePage<'a> {
    visit: Visit,
    desk: &'a Desk,
    campaign: &'a Campaign,
    case: &'a Case,
    record: &'a Record,
    typed: &'a Typed,
    problem: Option<&'a str>,
}

impl DeletePage<'_> {
    fn link(&self, below: &str) -> String {
        self.visit.link(&self.case.path(below))
    }
}
