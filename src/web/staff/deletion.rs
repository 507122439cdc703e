//! The form that deletes a registration: requires a confirmation and a reason, and that the registration did not change
//! since it was read. For admins.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::guard::StaffContext;
use super::registration_access::RegistrationAccess;
use super::request_audit::AuditAction;
use super::route::{Requirement, Route};
use crate::domain::Campaign;
use crate::domain::history::RegistrationHistory;
use crate::domain::reason::{self, MAX_REASON};
use crate::domain::staff::Permission;
use crate::intake::amend::delete;
use crate::store::UpdateOutcome;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::answer::answer_message;
use crate::web::page::{PageContext, render, staff_path};

const PATH: &str = "/staff/c/{campaign}/registrations/{id}/delete";
const NEED: Requirement = Requirement::Permission(Permission::Delete);

/// Routes of the form.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, NEED, show_form),
        Route::post(PATH, NEED, submit_form),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DeletionForm {
    version: String,
    reason: String,
    sure: String,
}

async fn show_form(access: RegistrationAccess) -> Result<Response, Error> {
    let record = access.load(AuditAction::ViewRegistration).await?;
    Ok(render_form(
        &access,
        &record,
        &DeletionForm::default(),
        StatusCode::OK,
        None,
    ))
}

async fn submit_form(
    State(app): State<AppState>,
    access: RegistrationAccess,
    Form(form): Form<DeletionForm>,
) -> Result<Response, Error> {
    let record = access.load(AuditAction::ViewRegistration).await?;
    let (by, now) = (access.context.principal.actor(), Timestamp::now());
    if form.version != record.version.to_string() {
        return Ok(render_outdated(&access, &record, &form));
    }
    let reason = match form.parse_reason(&access.context.visit) {
        Ok(reason) => reason,
        Err(wrong) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(render_form(&access, &record, &form, status, Some(&wrong)));
        }
    };
    access.record(access.new_event(AuditAction::Delete)).await?;
    let deletion = record.delete(&by, reason, now);
    let (store, photos) = (&app.store, &app.registrations.photos);
    match delete(store, photos, &access.campaign, &record, &deletion).await? {
        UpdateOutcome::Updated => {
            info!(staff = by, "deleted a registration");
            let list = staff_path(&access.campaign.id, "registrations");
            Ok(
                Redirect::to(&access.context.visit.link_with_notice(&list, "deleted"))
                    .into_response(),
            )
        }
        UpdateOutcome::Stale | UpdateOutcome::AliasTaken => {
            access
                .record(
                    access
                        .new_event(AuditAction::Delete)
                        .with_detail("outcome", "stale"),
                )
                .await?;
            let now = access.load(AuditAction::ViewRegistration).await?;
            Ok(render_outdated(&access, &now, &form))
        }
    }
}

fn render_outdated(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: &DeletionForm,
) -> Response {
    let words = access.context.visit.say(
        "Alguien corrigió este registro mientras tanto. No se eliminó nada. Revise cómo quedó y confirme de nuevo.",
        "Somebody corrected this registration meanwhile. Nothing was deleted. Look at it as it is now and confirm again.",
    );
    render_form(access, record, form, StatusCode::CONFLICT, Some(words))
}

fn render_form(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: &DeletionForm,
    status: StatusCode,
    problem: Option<&str>,
) -> Response {
    let page = DeletionPage {
        visit: access.context.visit.with_path(&access.path("/delete")),
        context: &access.context,
        campaign: &access.campaign,
        access,
        record,
        form,
        problem,
    };
    render(status, &page)
}

impl DeletionForm {
    /// Returns the reason if the deletion is confirmed. The error is the text for the user.
    fn parse_reason(&self, visit: &PageContext) -> Result<String, String> {
        if self.sure != "true" {
            let words = visit.say(
                "Marque la casilla si de verdad quiere eliminarlo.",
                "Tick the box if you really want to delete it.",
            );
            return Err(words.to_owned());
        }
        reason::parse(&self.reason).map_err(|refused| {
            let name = visit.say("Motivo", "Reason");
            format!("{name}: {}", answer_message(&refused, visit.lang))
        })
    }
}

#[derive(Template)]
#[template(path = "staff/delete.html")]
struct DeletionPage<'a> {
    visit: PageContext,
    context: &'a StaffContext,
    campaign: &'a Campaign,
    access: &'a RegistrationAccess,
    record: &'a RegistrationHistory,
    form: &'a DeletionForm,
    problem: Option<&'a str>,
}

impl DeletionPage<'_> {
    fn link(&self, below: &str) -> String {
        self.visit.link(&self.access.path(below))
    }
}
