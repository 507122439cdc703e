//! The pages that enable and disable the second factor of one's own account. A new secret is not stored: it travels in
//! the form, encrypted, until a code proves that the app has it.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::account::{own_event, require_reauth};
use super::guard::StaffContext;
use super::request_audit::RequestAudit;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::qr::Qr;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::staff::{Permission, SecondFactor};
use jornada_http::page::{PageContext, render};
use jornada_service::staff::accounts::update_account;
use jornada_service::staff::password::Password;
use jornada_service::staff::totp::TotpSecret;

const PAGE: &str = "/staff/account/second";

/// Routes of the second factor.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Requirement::Account, show_setup),
        Route::post(PAGE, Requirement::Account, switch_on),
        Route::post(
            "/staff/account/second/off",
            Requirement::Account,
            switch_off,
        ),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TotpForm {
    password: String,
    code: String,
    sealed: String,
}

async fn show_setup(State(app): State<AppState>, context: StaffContext) -> Result<Response, Error> {
    let shared = TotpSecret::generate().map_err(jornada_service::staff::AccountsError::from)?;
    render_page(&app, &context, &shared, None)
}

async fn switch_on(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Form(form): Form<TotpForm>,
) -> Result<Response, Error> {
    let (account, now) = (context.principal.account()?, Timestamp::now());
    let sealed = data_encoding::BASE64URL_NOPAD.decode(form.sealed.as_bytes());
    let sealed = sealed.map_err(|_| Error::Malformed("sealed"))?;
    let shared = TotpSecret::decrypt(&sealed, &app.authenticator.keys, account.id);
    let shared = shared.ok_or(Error::Malformed("sealed"))?;
    let Some(used_step) = shared.find_step(&form.code, now) else {
        let wrong = context.visit.say(
            "El código no es correcto. Revise que la hora del teléfono sea automática.",
            "The code is not right. Check that the phone's clock is set by itself.",
        );
        return render_page(&app, &context, &shared, Some(wrong));
    };
    let password = Password::from_input(&form.password);
    if let Some(answer) = require_reauth(&app, &context, &request_audit, password, None).await? {
        return Ok(answer);
    }
    request_audit
        .record(&app, own_event(&context, AuditAction::SecondFactorEnabled)?)
        .await?;
    let changed = update_account(&app.store, account.id, |latest| {
        let sealed = sealed.clone();
        (latest.is_unchanged_since(account) && latest.second_factor.is_none()).then(|| {
            latest.second_factor = Some(SecondFactor {
                encrypted_secret: sealed,
                last_used_step: used_step,
            });
        })
    });
    changed.await?.ok_or(Error::InvalidCsrfToken)?;
    info!(staff = %account.id, "enabled the second factor");
    Ok(Redirect::to(&context.visit.link_with_notice("/staff/account", "second")).into_response())
}

async fn switch_off(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Form(form): Form<TotpForm>,
) -> Result<Response, Error> {
    let (account, now) = (context.principal.account()?, Timestamp::now());
    if app.authenticator.requires_second_factor(account) {
        return Err(Error::Forbidden);
    }
    let (password, code) = (Password::from_input(&form.password), &*form.code);
    let proven = require_reauth(&app, &context, &request_audit, password, Some(code));
    if let Some(answer) = proven.await? {
        return Ok(answer);
    }
    request_audit
        .record(
            &app,
            own_event(&context, AuditAction::SecondFactorDisabled)?,
        )
        .await?;
    let changed = update_account(&app.store, account.id, |latest| {
        (latest.is_unchanged_since(account) && app.authenticator.consume_code(latest, code, now))
            .then(|| latest.second_factor = None)
    });
    changed.await?.ok_or(Error::InvalidCsrfToken)?;
    info!(staff = %account.id, "disabled the second factor");
    Ok(Redirect::to(
        &context
            .visit
            .link_with_notice("/staff/account", "second-off"),
    )
    .into_response())
}

fn render_page(
    app: &AppState,
    context: &StaffContext,
    shared: &TotpSecret,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let account = context.principal.account()?;
    let sealed = shared.encrypt(&app.authenticator.keys, account.id);
    let sealed = sealed.map_err(jornada_service::staff::AccountsError::from)?;
    let page = TotpPage {
        visit: &context.visit,
        context,
        is_on: account.second_factor.is_some(),
        is_needed: app.authenticator.lacks_second_factor(account),
        qr: Qr::encode(&shared.to_uri(&account.email))
            .map_err(|error| Error::Internal(error.into()))?,
        secret: group_by_four(&shared.to_base32()),
        sealed: data_encoding::BASE64URL_NOPAD.encode(&sealed),
        problem,
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok(render(status, &page))
}

/// Splits a text into groups of four characters, for copying by hand.
fn group_by_four(text: &str) -> String {
    let fours = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
    fours.collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "staff/totp.html")]
struct TotpPage<'a> {
    visit: &'a PageContext,
    context: &'a StaffContext,
    is_on: bool,
    is_needed: bool,
    qr: Qr,
    secret: String,
    sealed: String,
    problem: Option<&'a str>,
}
