//! The page of one's own account: password, second factor, sessions.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tracing::info;

use super::cookies::Cookie;
use super::guard::{StaffContext, redirect_with_cookies};
use super::login::{rate_limit_text, redirect_logged_out, with_retry_after};
use super::request_audit::RequestAudit;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::staff::{Account, Permission, Session, audit};
use jornada_http::page::{PageContext, render};
use jornada_service::staff::accounts::{end_sessions, update_account};
use jornada_service::staff::login::ReauthOutcome;
use jornada_service::staff::password::Password;
use jornada_service::staff::{AccountsError, sessions};

const PAGE: &str = "/staff/account";

/// Routes of one's own account.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Requirement::Account, show_account),
        Route::post(
            "/staff/account/password",
            Requirement::Account,
            change_password,
        ),
        Route::post(
            "/staff/account/sessions/end",
            Requirement::Account,
            end_session,
        ),
        Route::post(
            "/staff/account/sessions/end-all",
            Requirement::Account,
            end_all_sessions,
        ),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NoticeQuery {
    pub(super) done: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChangePasswordForm {
    current: String,
    new: String,
    again: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EndSessionForm {
    session: String,
}

async fn show_account(
    State(app): State<AppState>,
    context: StaffContext,
    Query(query): Query<NoticeQuery>,
) -> Result<Response, Error> {
    let notice = notice_text(&context.visit, &query.done);
    let page = AccountPage::load(&app, &context, notice, None).await?;
    Ok(render(StatusCode::OK, &page))
}

async fn change_password(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    headers: HeaderMap,
    Form(form): Form<ChangePasswordForm>,
) -> Result<Response, Error> {
    let (account, now) = (context.principal.account()?, Timestamp::now());
    let password = match Password::validate_new(&form.new, &form.again, &account.email) {
        Ok(password) => password,
        Err(weak) => return render_problem(&app, &context, weak.message(context.visit.lang)).await,
    };
    let current = Password::from_input(&form.current);
    if let Some(answer) = require_reauth(&app, &context, &request_audit, current, None).await? {
        return Ok(answer);
    }
    let phc = app
        .authenticator
        .passwords
        .hash_password(password)
        .await
        .map_err(AccountsError::from)?;
    request_audit
        .record(&app, own_event(&context, AuditAction::PasswordChanged)?)
        .await?;
    let changed = update_account(&app.store, account.id, |latest| {
        // Fails if the password changed since it was verified.
        latest.is_unchanged_since(account).then(|| {
            latest.set_password(phc.clone());
            latest.clone()
        })
    });
    let changed = changed.await?.ok_or(Error::Unauthorized)?;
    info!(staff = %changed.id, "changed the password; every session ended");
    let token = sessions::start(&app.store, &changed, now).await?;
    let cookie = Cookie::Session.set(&token, app.is_secure(&headers));
    Ok(redirect_with_cookies(
        &context.visit.link_with_notice(PAGE, "password"),
        cookie,
    ))
}

/// Verifies the password of the account, and the code if one is given. Returns the page with the problem, or `None` if
/// both are correct.
pub(super) async fn require_reauth(
    app: &AppState,
    context: &StaffContext,
    request_audit: &RequestAudit,
    password: Password,
    code: Option<&str>,
) -> Result<Option<Response>, Error> {
    let (account, now) = (context.principal.account()?, Timestamp::now());
    let proof =
        app.authenticator
            .reauthenticate(account, password, code, request_audit.client_ip(), now);
    let wrong = match proof.await? {
        ReauthOutcome::Confirmed => return Ok(None),
        ReauthOutcome::WrongPassword => context.visit.say(
            "La contraseña actual no es correcta.",
            "The current password is not right.",
        ),
        ReauthOutcome::WrongCode => context.visit.say(
            "El código no es correcto, o ya se usó. Espere el siguiente.",
            "The code is not right, or was used before. Wait for the next one.",
        ),
        ReauthOutcome::RateLimited(wait) => {
            request_audit.record_rate_limited(app).await?;
            let problem = rate_limit_text(&context.visit, wait);
            let page = AccountPage::load(app, context, "", Some(&problem)).await?;
            let page = render(StatusCode::TOO_MANY_REQUESTS, &page);
            return Ok(Some(with_retry_after(page, wait)));
        }
    };
    request_audit
        .record(app, own_event(context, AuditAction::LoginFailed)?)
        .await?;
    Ok(Some(render_problem(app, context, wrong).await?))
}

/// Builds the audit event for an action on one's own account.
pub(super) fn own_event(context: &StaffContext, action: AuditAction) -> Result<AuditEvent, Error> {
    let account = context.principal.account()?;
    Ok(AuditEvent::new(action).with_subject(audit::account_subject(account.id)))
}

/// Renders the page with a problem (422).
async fn render_problem(
    app: &AppState,
    context: &StaffContext,
    problem: &str,
) -> Result<Response, Error> {
    let page = AccountPage::load(app, context, "", Some(problem)).await?;
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn end_session(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    headers: HeaderMap,
    Form(form): Form<EndSessionForm>,
) -> Result<Response, Error> {
    let hash = parse_hash(&form.session).ok_or(Error::NoSuchPage)?;
    let account = context.principal.account()?;
    request_audit
        .record(&app, own_event(&context, AuditAction::SessionEnded)?)
        .await?;
    app.store.remove_session(account.id, &hash).await?;
    if context
        .principal
        .session()
        .is_some_and(|own| own.hash == hash)
    {
        return Ok(redirect_logged_out(&app, &context.visit, &headers, "out"));
    }
    Ok(Redirect::to(&context.visit.link_with_notice(PAGE, "session")).into_response())
}

async fn end_all_sessions(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    headers: HeaderMap,
) -> Result<Response, Error> {
    request_audit
        .record(&app, own_event(&context, AuditAction::SessionsEnded)?)
        .await?;
    end_sessions(&app.store, context.principal.account()?.id).await?;
    Ok(redirect_logged_out(
        &app,
        &context.visit,
        &headers,
        "everywhere",
    ))
}

/// Parses a hash from a form field (hexadecimal).
pub(super) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

fn notice_text<'a>(visit: &'a PageContext, done: &str) -> &'a str {
    match done {
        "password" => visit.say(
            "La contraseña cambió. Las demás sesiones se cerraron.",
            "The password was changed. The other sessions have ended.",
        ),
        "session" => visit.say("La sesión se cerró.", "The session has ended."),
        "second" => visit.say(
            "El segundo paso quedó activo. Desde ahora se le pedirá un código al entrar.",
            "The second step is on. From now on you will be asked for a code when you log in.",
        ),
        "second-off" => visit.say("El segundo paso quedó inactivo.", "The second step is off."),
        _ => "",
    }
}

#[derive(Template)]
#[template(path = "staff/account.html")]
struct AccountPage<'a> {
    visit: PageContext,
    context: &'a StaffContext,
    account: &'a Account,
    sessions: Vec<Session>,
    zone: &'a TimeZone,
    /// Whether the role requires the second factor, so that it cannot be disabled.
    requires_second_factor: bool,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl<'a> AccountPage<'a> {
    async fn load(
        app: &'a AppState,
        context: &'a StaffContext,
        notice: &'a str,
        problem: Option<&'a str>,
    ) -> Result<Self, Error> {
        let (account, now) = (context.principal.account()?, Timestamp::now());
        let mut sessions = app.store.sessions_of(account.id).await?;
        sessions.retain(|session| session.is_live(account, now));
        Ok(Self {
            visit: context.visit.with_path(PAGE),
            context,
            account,
            sessions,
            zone: &app.campaigns.default().time_zone,
            requires_second_factor: app.authenticator.requires_second_factor(account),
            notice,
            problem,
        })
    }

    fn is_own(&self, session: &Session) -> bool {
        self.context
            .principal
            .session()
            .is_some_and(|own| own.hash == session.hash)
    }

    fn hash_hex(session: &Session) -> String {
        data_encoding::HEXLOWER.encode(&session.hash)
    }
}
