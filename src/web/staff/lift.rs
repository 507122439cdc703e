//! The page of a deleted registration, where admins can free its number again.

use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tracing::info;

use super::closure::reason_problem;
use super::context::PageResult;
use super::registration_access::RegistrationAccess;
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use jornada_domain::history::{Deletion, DeletionCause};
use jornada_domain::reason;
use jornada_domain::reason::MAX_REASON;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_http::page::staff_path;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LiftForm {
    reason: String,
}

pub(super) async fn submit_form(
    access: RegistrationAccess,
    Form(form): Form<LiftForm>,
) -> PageResult {
    let (store, campaign) = (&access.app.store, &access.campaign.id);
    let deletion = store.deletion(campaign, access.id).await?;
    let deletion = deletion.ok_or(Error::NoSuchRegistration)?;
    if !access.is_visible(&deletion.tally_value).await? {
        return Err(Error::NoSuchRegistration);
    }
    let reason = match reason::parse(&form.reason) {
        Ok(reason) => reason,
        Err(wrong) => {
            let problem = reason_problem(&access, &wrong);
            let form = FilledForm::rejected(form, problem);
            return Ok(render_page(&access, &deletion, &form));
        }
    };
    if deletion.cause == DeletionCause::Requested {
        let event = access.new_event(AuditAction::Lift);
        access.record(event.with_detail("reason", reason)).await?;
        store.lift_deletion(campaign, access.id).await?;
        info!(
            staff = access.principal.log_name(),
            "freed the number of a deleted registration"
        );
    }
    let list = staff_path(campaign, "registrations");
    Ok(access.redirect_with_notice(&list, "lifted"))
}

/// Shows that a registration was deleted (410), when and why.
pub(super) fn render_deleted(access: &RegistrationAccess, deletion: &Deletion) -> Response {
    let form = FilledForm::default().with_status(StatusCode::GONE);
    render_page(access, deletion, &form)
}

fn render_page(
    access: &RegistrationAccess,
    deletion: &Deletion,
    form: &FilledForm<LiftForm>,
) -> Response {
    form.render(&DeletedPage {
        visit: access,
        deletion,
        form,
    })
}

#[derive(Template)]
#[template(path = "staff/deleted.html")]
struct DeletedPage<'a> {
    visit: &'a RegistrationAccess,
    deletion: &'a Deletion,
    form: &'a FilledForm<LiftForm>,
}

impl DeletedPage<'_> {
    /// Returns what the deletion means for the number.
    fn consequence(&self) -> &'static str {
        match self.deletion.cause {
            DeletionCause::Requested => text!(self.visit.lang, "staff-deleted-requested"),
            DeletionCause::FalseEntry => text!(self.visit.lang, "staff-deleted-false"),
            DeletionCause::Lifted => text!(self.visit.lang, "staff-deleted-lifted"),
        }
    }

    fn may_lift(&self) -> bool {
        let may = self.visit.principal.may(Permission::Delete);
        may && self.deletion.cause == DeletionCause::Requested
    }
}
