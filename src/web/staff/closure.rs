//! The page that closes a campaign early and reopens it. For admins.

use askama::Template;
use axum::extract::Form;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::{info, warn};

use super::context::{PageResult, StaffContext};
use super::registration_access::CampaignAccess;
use crate::web::error::answer::answer_message;
use crate::web::filled_form::FilledForm;
use jornada_domain::ValidationError;
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::early_closure::EarlyClosure;
use jornada_domain::reason;
use jornada_domain::reason::MAX_REASON;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClosureForm {
    reason: String,
}

pub(super) async fn show_closure(access: CampaignAccess) -> Response {
    let notice = access.notice("closure");
    render_page(&access, &FilledForm::default().with_notice(notice))
}

pub(super) async fn close_campaign(
    access: CampaignAccess,
    Form(form): Form<ClosureForm>,
) -> PageResult {
    let by = access.principal.actor();
    let closing = match EarlyClosure::new(&by, &form.reason, Timestamp::now()) {
        Ok(closing) => closing,
        Err(wrong) => return Ok(render_problem(&access, form, &wrong)),
    };
    let event = access.new_event(AuditAction::Close);
    access
        .record(event.with_detail("reason", &closing.reason))
        .await?;
    let id = &access.campaign.id;
    access.app.store.close_campaign(id, &closing).await?;
    info!(campaign = %id, staff = by, "closed a campaign");
    Ok(refresh_and_redirect(&access, "closed").await)
}

pub(super) async fn reopen_campaign(
    access: CampaignAccess,
    Form(form): Form<ClosureForm>,
) -> PageResult {
    let reason = match reason::parse(&form.reason) {
        Ok(reason) => reason,
        Err(wrong) => return Ok(render_problem(&access, form, &wrong)),
    };
    let event = access.new_event(AuditAction::Reopen);
    access.record(event.with_detail("reason", reason)).await?;
    let id = &access.campaign.id;
    access.app.store.reopen_campaign(id).await?;
    info!(campaign = %id, staff = access.principal.log_name(), "reopened a campaign");
    Ok(refresh_and_redirect(&access, "reopened").await)
}

/// Applies the change on this instance at once, and redirects. Other instances apply it when they next poll.
async fn refresh_and_redirect(access: &CampaignAccess, done: &str) -> Response {
    let closures = &access.app.registrations.closures;
    if let Err(error) = closures.refresh(&access.app.store).await {
        warn!("cannot reload early closures, waiting for the next poll: {error}");
    }
    access.redirect_with_notice(&access.path("close"), done)
}

/// Returns the text for the user about an invalid reason.
pub(super) fn reason_problem(context: &StaffContext, wrong: &ValidationError) -> String {
    let name = text!(context.lang, "staff-reason");
    format!("{name}: {}", answer_message(wrong, context.lang))
}

fn render_problem(access: &CampaignAccess, form: ClosureForm, wrong: &ValidationError) -> Response {
    let problem = reason_problem(access, wrong);
    render_page(access, &FilledForm::rejected(form, problem))
}

fn render_page(access: &CampaignAccess, form: &FilledForm<ClosureForm>) -> Response {
    let (closures, campaign) = (&access.app.registrations.closures, &access.campaign);
    let page = ClosurePage {
        visit: CampaignAccess {
            context: access.with_path(&access.path("close")),
            campaign: campaign.clone(),
        },
        closure: closures.closure(&campaign.id),
        has_ended: closures.status(campaign, Timestamp::now()) == CampaignStatus::Ended,
        form,
    };
    form.render(&page)
}

#[derive(Template)]
#[template(path = "staff/close.html")]
struct ClosurePage<'a> {
    visit: CampaignAccess,
    closure: Option<EarlyClosure>,
    has_ended: bool,
    form: &'a FilledForm<ClosureForm>,
}
