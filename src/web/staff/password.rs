//! The page of a password link, which sets the password of a new account or replaces a forgotten one. A link is valid
//! once and for 48 hours.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::guard::{CsrfToken, redirect_with_cookies};
use super::request_audit::RequestAudit;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::staff::{Account, audit};
use jornada_http::page::{PageContext, render};
use jornada_service::staff::accounts::update_account;
use jornada_service::staff::password::{Password, PasswordWeakness};
use jornada_service::staff::token::Token;

/// Routes of the link.
pub(super) fn routes() -> Vec<Route> {
    let path = "/staff/password/{link}";
    vec![
        Route::get(path, Requirement::Nothing, show_form),
        Route::post(path, Requirement::Nothing, set_password),
    ]
}

/// The new password, typed twice.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SetPasswordForm {
    new: String,
    again: String,
}

async fn show_form(
    State(app): State<AppState>,
    Path(link): Path<String>,
    visit: PageContext,
    CsrfToken(csrf_token): CsrfToken,
) -> Result<Response, Error> {
    let account = find_by_link(&app, &Token::from_text(&link)).await?;
    Ok(render_form(&visit, &csrf_token, &account, None))
}

async fn set_password(
    State(app): State<AppState>,
    Path(link): Path<String>,
    visit: PageContext,
    request_audit: RequestAudit,
    CsrfToken(csrf_token): CsrfToken,
    Form(form): Form<SetPasswordForm>,
) -> Result<Response, Error> {
    let hash = Token::from_text(&link).hash();
    let account = find_by_link(&app, &Token::from_text(&link)).await?;
    let password = match Password::validate_new(&form.new, &form.again, &account.email) {
        Ok(password) => password,
        Err(weak) => return Ok(render_form(&visit, &csrf_token, &account, Some(weak))),
    };
    let phc = app
        .authenticator
        .passwords
        .hash_password(password)
        .await
        .map_err(jornada_service::staff::AccountsError::from)?;
    let event =
        AuditEvent::new(AuditAction::PasswordSet).with_subject(audit::account_subject(account.id));
    request_audit
        .for_account(account.id)
        .record(&app, event)
        .await?;
    let used = update_account(&app.store, account.id, |account| {
        let good = account.accepts_link(&hash, Timestamp::now());
        good.then(|| account.set_password(phc.clone()))
    });
    used.await?.ok_or(Error::NoSuchLink)?;
    info!(staff = %account.id, "set a password by a link");
    Ok(redirect_with_cookies(
        &visit.link_with_notice("/staff/login", "password"),
        None,
    ))
}

async fn find_by_link(app: &AppState, link: &Token) -> Result<Account, Error> {
    let hash = link.hash();
    let found = app.store.account_by_link(&hash).await?;
    let invited = found.filter(|account| account.accepts_link(&hash, Timestamp::now()));
    invited.ok_or(Error::NoSuchLink)
}

fn render_form(
    visit: &PageContext,
    csrf_token: &str,
    account: &Account,
    weak: Option<PasswordWeakness>,
) -> Response {
    let page = PasswordPage {
        visit,
        csrf_token,
        mail: account.email.as_str(),
        problem: weak.map(|weak| weak.message(visit.lang)),
    };
    let status = weak.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    render(status, &page)
}

#[derive(Template)]
#[template(path = "staff/password.html")]
struct PasswordPage<'a> {
    visit: &'a PageContext,
    csrf_token: &'a str,
    mail: &'a str,
    problem: Option<&'a str>,
}
