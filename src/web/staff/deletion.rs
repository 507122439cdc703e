//! The form that deletes a registration: requires cause, reason and confirmation, and that the registration did not
//! change since it was read. For admins.

use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::closure::reason_problem;
use super::context::{PageResult, StaffContext};
use super::registration_access::RegistrationAccess;
use crate::web::filled_form::FilledForm;
use jornada_domain::history::{DeletionCause, RegistrationHistory};
use jornada_domain::reason;
use jornada_domain::reason::MAX_REASON;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_http::page::staff_path;
use jornada_service::registrations::amend::delete;
use jornada_store::UpdateOutcome;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeletionForm {
    version: String,
    cause: String,
    reason: String,
    sure: String,
}

pub(super) async fn show_form(access: RegistrationAccess) -> PageResult {
    let record = access.load(AuditAction::ViewRegistration).await?;
    Ok(render_form(&access, &record, &FilledForm::default()))
}

pub(super) async fn submit_form(
    access: RegistrationAccess,
    Form(form): Form<DeletionForm>,
) -> PageResult {
    let record = access.load(AuditAction::ViewRegistration).await?;
    if form.version != record.version.to_string() {
        return Ok(render_outdated(&access, &record, form));
    }
    let (cause, reason) = match form.parse(&access) {
        Ok(parsed) => parsed,
        Err(wrong) => {
            let form = FilledForm::rejected(form, wrong);
            return Ok(render_form(&access, &record, &form));
        }
    };
    let event = access.new_event(AuditAction::Delete);
    let event = event.with_detail("cause", cause);
    access.record(event.clone()).await?;
    let by = access.principal.actor();
    let deletion = record.delete(&by, reason, Timestamp::now());
    let deletion = deletion.with_cause(cause);
    let (store, photos) = (&access.app.store, &access.app.registrations.photos);
    match delete(store, photos, &access.campaign, &record, &deletion).await? {
        UpdateOutcome::Updated => {
            info!(staff = by, "deleted a registration");
            let list = staff_path(&access.campaign.id, "registrations");
            Ok(access.redirect_with_notice(&list, "deleted"))
        }
        UpdateOutcome::Stale | UpdateOutcome::AliasTaken | UpdateOutcome::TooManyAliases => {
            access.record(event.with_detail("outcome", "stale")).await?;
            let now = access.load(AuditAction::ViewRegistration).await?;
            Ok(render_outdated(&access, &now, form))
        }
    }
}

fn render_outdated(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: DeletionForm,
) -> Response {
    let words = text!(access.lang, "staff-delete-meanwhile");
    let form = FilledForm::rejected(form, words).with_status(StatusCode::CONFLICT);
    render_form(access, record, &form)
}

impl DeletionForm {
    /// Returns cause and reason if the deletion is confirmed. The error is the text for the user.
    fn parse(&self, context: &StaffContext) -> Result<(DeletionCause, String), String> {
        let cause = self.cause.parse().ok();
        let Some(cause) = cause.filter(|cause| *cause != DeletionCause::Lifted) else {
            let words = text!(context.lang, "staff-delete-choose-cause");
            return Err(words.to_owned());
        };
        if self.sure != "true" {
            let words = text!(context.lang, "staff-delete-tick");
            return Err(words.to_owned());
        }
        let reason = reason::parse(&self.reason);
        let reason = reason.map_err(|wrong| reason_problem(context, &wrong))?;
        Ok((cause, reason))
    }

    fn has_cause(&self, cause: DeletionCause) -> bool {
        self.cause.parse() == Ok(cause)
    }
}

fn render_form(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: &FilledForm<DeletionForm>,
) -> Response {
    form.render(&DeletionPage {
        visit: access,
        record,
        form,
    })
}

#[derive(Template)]
#[template(path = "staff/delete.html")]
struct DeletionPage<'a> {
    visit: &'a RegistrationAccess,
    record: &'a RegistrationHistory,
    form: &'a FilledForm<DeletionForm>,
}
