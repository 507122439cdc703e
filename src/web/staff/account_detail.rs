//! The page of one account: role and places, a new password link, ending its sessions, closing the account. For admins.
//! Admins cannot demote or close themselves, so one admin always remains.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use strum::VariantArray;
use tracing::info;
use uuid::Uuid;

use super::account::NoticeQuery;
use super::accounts::{AccountForm, render_link};
use super::guard::StaffContext;
use super::request_audit::{AuditAction, AuditEvent, RequestAudit};
use super::route::{Requirement, Route};
use crate::domain::staff::{Account, Permission, Role, audit};
use crate::staff::accounts::{close_account, end_sessions, issue_link, update_account};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{PageContext, render};

const NEED: Requirement = Requirement::Permission(Permission::Accounts);

/// Routes of the page and its forms.
pub(super) fn routes() -> Vec<Route> {
    let page = "/staff/accounts/{id}";
    vec![
        Route::get(page, NEED, show_account),
        Route::post(page, NEED, change_role),
        Route::post("/staff/accounts/{id}/link", NEED, create_link),
        Route::post("/staff/accounts/{id}/sessions/end", NEED, end_all_sessions),
        Route::post("/staff/accounts/{id}/close", NEED, submit_close),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LinkForm {
    lost_second: String,
}

async fn show_account(
    State(app): State<AppState>,
    context: StaffContext,
    Path(id): Path<String>,
    Query(query): Query<NoticeQuery>,
) -> Result<Response, Error> {
    let account = load_account(&app, &id).await?;
    let notice = notice_text(&context.visit, &query.done);
    Ok(render_page(&context, &account, notice, None))
}

async fn change_role(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Path(id): Path<String>,
    Form(form): Form<AccountForm>,
) -> Result<Response, Error> {
    let account = load_account(&app, &id).await?;
    let (role, reach) = match form.parse(&app, &context.visit) {
        Ok(read) => read,
        Err(problem) => return Ok(render_page(&context, &account, "", Some(&problem))),
    };
    if is_own(&context, account.id) && role != account.role {
        return Ok(refuse_own_account(&context, &account));
    }
    let event = audit::role_assigned(AuditAction::AccountChanged, account.id, role, &reach);
    request_audit.record(&app, event).await?;
    update_account(&app.store, account.id, |account| {
        account.assign_role(role, reach.clone());
        Some(())
    })
    .await?;
    info!(staff = context.principal.log_name(), account = %account.id, role = role.name(), "changed an account");
    Ok(redirect_back(&context, &account, "role"))
}

async fn create_link(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<LinkForm>,
) -> Result<Response, Error> {
    let account = load_account(&app, &id).await?;
    let lost_second = form.lost_second == "true";
    // A link would bypass the password and code that changes of one's own account require.
    if is_own(&context, account.id) {
        return Ok(refuse_own_account(&context, &account));
    }
    account.is_open().then_some(()).ok_or(Error::NoSuchPage)?;
    let event =
        account_event(AuditAction::AccountLink, &account).with_detail("lost_second", lost_second);
    request_audit.record(&app, event).await?;
    let link = issue_link(&app.store, account.id, lost_second, Timestamp::now()).await?;
    let link = link.ok_or(Error::NoSuchPage)?;
    info!(staff = context.principal.log_name(), account = %account.id, lost_second, "created a password link");
    Ok(render_link(
        &context,
        &app.base_url(&headers),
        &account.email,
        &link,
    ))
}

async fn end_all_sessions(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let account = load_account(&app, &id).await?;
    let event = account_event(AuditAction::SessionsEnded, &account);
    request_audit.record(&app, event).await?;
    end_sessions(&app.store, account.id).await?;
    info!(staff = context.principal.log_name(), account = %account.id, "ended every session of an account");
    Ok(redirect_back(&context, &account, "sessions"))
}

async fn submit_close(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let account = load_account(&app, &id).await?;
    if is_own(&context, account.id) {
        return Ok(refuse_own_account(&context, &account));
    }
    let event = account_event(AuditAction::AccountClosed, &account);
    request_audit.record(&app, event).await?;
    close_account(&app.store, account.id, Timestamp::now()).await?;
    info!(staff = context.principal.log_name(), account = %account.id, "closed an account");
    Ok(redirect_back(&context, &account, "closed"))
}

async fn load_account(app: &AppState, id: &str) -> Result<Account, Error> {
    let id = Uuid::try_parse(id).map_err(|_| Error::NoSuchPage)?;
    let account = app.store.account(id).await?;
    account.ok_or(Error::NoSuchPage)
}

fn account_event(action: AuditAction, account: &Account) -> AuditEvent {
    AuditEvent::new(action).with_subject(audit::account_subject(account.id))
}

fn is_own(context: &StaffContext, id: Uuid) -> bool {
    context.principal.account().is_ok_and(|own| own.id == id)
}

fn refuse_own_account(context: &StaffContext, account: &Account) -> Response {
    let problem = context.visit.say(
        "No puede cerrar su propia cuenta ni cambiar su propio papel. Pídalo a otra persona de administración.",
        "You cannot close your own account or change your own role. Ask another administrator.",
    );
    render_page(context, account, "", Some(problem))
}

fn redirect_back(context: &StaffContext, account: &Account, done: &str) -> Response {
    let path = format!("/staff/accounts/{}", account.id);
    Redirect::to(&context.visit.link_with_notice(&path, done)).into_response()
}

fn notice_text<'a>(visit: &'a PageContext, done: &str) -> &'a str {
    match done {
        "role" => visit.say("El cambio quedó guardado.", "The change is saved."),
        "sessions" => visit.say(
            "Se cerraron todas sus sesiones.",
            "All its sessions have ended.",
        ),
        "closed" => visit.say("La cuenta quedó cerrada.", "The account is closed."),
        _ => "",
    }
}

fn render_page(
    context: &StaffContext,
    account: &Account,
    notice: &str,
    problem: Option<&str>,
) -> Response {
    let page = AccountDetailPage {
        visit: context
            .visit
            .with_path(&format!("/staff/accounts/{}", account.id)),
        context,
        account,
        notice,
        problem,
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    render(status, &page)
}

#[derive(Template)]
#[template(path = "staff/account_detail.html")]
struct AccountDetailPage<'a> {
    visit: PageContext,
    context: &'a StaffContext,
    account: &'a Account,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl AccountDetailPage<'_> {
    fn address(&self, page: &str) -> String {
        let path = format!("/staff/accounts/{}{page}", self.account.id);
        self.visit.link(&path)
    }
}
