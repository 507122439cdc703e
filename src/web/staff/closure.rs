//! The page that closes a campaign early and reopens it. For admins.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::{info, warn};

use super::account::NoticeQuery;
use super::guard::StaffContext;
use super::registration_access::CampaignAccess;
use super::request_audit::AuditAction;
use super::route::{Requirement, Route};
use crate::domain::campaign::CampaignStatus;
use crate::domain::early_closure::EarlyClosure;
use crate::domain::reason::{self, MAX_REASON};
use crate::domain::staff::Permission;
use crate::domain::{Campaign, ValidationError};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::answer::answer_message;
use crate::web::page::{PageContext, render};

const PATH: &str = "/staff/c/{campaign}/close";
const NEED: Requirement = Requirement::Permission(Permission::Close);

/// Routes of the page and its two forms.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, NEED, show_closure),
        Route::post(PATH, NEED, close_campaign),
        Route::post("/staff/c/{campaign}/reopen", NEED, reopen_campaign),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ClosureForm {
    reason: String,
}

async fn show_closure(
    State(app): State<AppState>,
    access: CampaignAccess,
    Query(query): Query<NoticeQuery>,
) -> Result<Response, Error> {
    let visit = &access.context.visit;
    let notice = match query.done.as_str() {
        "closed" => visit.say("La campaña está cerrada.", "The campaign is closed."),
        "reopened" => visit.say(
            "La campaña está abierta de nuevo.",
            "The campaign is open again.",
        ),
        _ => "",
    };
    let page = ClosurePage::new(&app, &access, "", notice, None);
    Ok(render(StatusCode::OK, &page))
}

async fn close_campaign(
    State(app): State<AppState>,
    access: CampaignAccess,
    Form(form): Form<ClosureForm>,
) -> Result<Response, Error> {
    let by = access.context.principal.actor();
    let closing = match EarlyClosure::new(&by, &form.reason, Timestamp::now()) {
        Ok(closing) => closing,
        Err(refusal) => return Ok(render_problem(&app, &access, &form, &refusal)),
    };
    let event = access.new_event(AuditAction::Close);
    access
        .record(event.with_detail("reason", &closing.reason))
        .await?;
    app.store
        .close_campaign(&access.campaign.id, &closing)
        .await?;
    info!(campaign = %access.campaign.id, staff = by, "closed a campaign");
    Ok(refresh_and_redirect(&app, &access, "closed").await)
}

async fn reopen_campaign(
    State(app): State<AppState>,
    access: CampaignAccess,
    Form(form): Form<ClosureForm>,
) -> Result<Response, Error> {
    let reason = match reason::parse(&form.reason) {
        Ok(reason) => reason,
        Err(refusal) => return Ok(render_problem(&app, &access, &form, &refusal)),
    };
    let event = access.new_event(AuditAction::Reopen);
    access.record(event.with_detail("reason", reason)).await?;
    app.store.reopen_campaign(&access.campaign.id).await?;
    info!(campaign = %access.campaign.id, staff = access.context.principal.log_name(), "reopened a campaign");
    Ok(refresh_and_redirect(&app, &access, "reopened").await)
}

/// Applies the change on this instance at once, and redirects. Other instances apply it when they next poll.
async fn refresh_and_redirect(app: &AppState, access: &CampaignAccess, what: &str) -> Response {
    if let Err(error) = app.registrations.closures.refresh(&app.store).await {
        warn!("cannot reload early closures, waiting for the next poll: {error}");
    }
    let to = access
        .context
        .visit
        .link_with_notice(&access.path("close"), what);
    Redirect::to(&to).into_response()
}

fn render_problem(
    app: &AppState,
    access: &CampaignAccess,
    form: &ClosureForm,
    refusal: &ValidationError,
) -> Response {
    let visit = &access.context.visit;
    let name = visit.say("Motivo", "Reason");
    let problem = format!("{name}: {}", answer_message(refusal, visit.lang));
    let page = ClosurePage::new(app, access, &form.reason, "", Some(&problem));
    render(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

#[derive(Template)]
#[template(path = "staff/close.html")]
struct ClosurePage<'a> {
    visit: PageContext,
    context: &'a StaffContext,
    campaign: &'a Campaign,
    closure: Option<EarlyClosure>,
    status: CampaignStatus,
    reason: &'a str,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl<'a> ClosurePage<'a> {
    fn new(
        app: &AppState,
        access: &'a CampaignAccess,
        reason: &'a str,
        notice: &'a str,
        problem: Option<&'a str>,
    ) -> Self {
        let closings = &app.registrations.closures;
        let campaign = &access.campaign;
        Self {
            visit: access.context.visit.with_path(&access.path("close")),
            context: &access.context,
            campaign,
            closure: closings.closure(&campaign.id),
            status: closings.status(campaign, Timestamp::now()),
            reason,
            notice,
            problem,
        }
    }

    fn has_ended(&self) -> bool {
        self.status == CampaignStatus::Ended
    }
}
