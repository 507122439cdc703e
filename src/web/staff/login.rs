//! The login page, and logging out.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tracing::info;

use super::cookies::Cookie;
use super::guard::{CsrfToken, StaffContext, redirect_with_cookies};
use super::principal::Principal;
use super::request_audit::RequestAudit;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::staff::audit::account_subject;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_http::page::{PageContext, render};
use jornada_service::staff::login::{LoginAttempt, LoginOutcome};
use jornada_service::staff::password::Password;
use jornada_service::staff::token::Token;

/// The page after a login.
const HOME: &str = "/staff";

/// Routes of login and logout.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/staff/login", Requirement::Nothing, show_form),
        Route::post("/staff/login", Requirement::Nothing, log_in),
        Route::post("/staff/logout", Requirement::Account, log_out),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LoginQuery {
    next: String,
    done: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoginForm {
    mail: String,
    password: String,
    code: String,
    next: String,
}

async fn show_form(
    staff: Option<axum::Extension<Principal>>,
    visit: PageContext,
    CsrfToken(csrf_token): CsrfToken,
    Query(query): Query<LoginQuery>,
) -> Response {
    if staff.is_some_and(|staff| staff.session().is_some()) {
        return Redirect::to(&visit.link(HOME)).into_response();
    }
    let page = LoginPage {
        visit: &visit,
        csrf_token: &csrf_token,
        mail: "",
        next: local_path(&query.next).unwrap_or_default(),
        notice: notice_text(&visit, &query.done),
        problem: None,
    };
    render(StatusCode::OK, &page)
}

async fn log_in(
    State(app): State<AppState>,
    visit: PageContext,
    request_audit: RequestAudit,
    CsrfToken(csrf_token): CsrfToken,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Error> {
    let attempt = LoginAttempt {
        email: form.mail.clone(),
        password: Password::from_input(&form.password),
        code: form.code,
        client_ip: request_audit.client_ip(),
    };
    let login = app
        .authenticator
        .log_in(&app.store, attempt, Timestamp::now())
        .await?;
    app.metrics.staff.count_login(&login);
    record_outcome(&app, &request_audit, &login).await?;
    let again = |status, problem: &str| {
        let page = LoginPage {
            visit: &visit,
            csrf_token: &csrf_token,
            mail: &form.mail,
            next: local_path(&form.next).unwrap_or_default(),
            notice: "",
            problem: Some(problem),
        };
        render(status, &page)
    };
    Ok(match login {
        LoginOutcome::Authenticated(token, account) => {
            info!(staff = %account.id, "logged in");
            start_browser_session(&app, &visit, &headers, &token, local_path(&form.next)).await?
        }
        LoginOutcome::Refused(_) => {
            again(StatusCode::UNPROCESSABLE_ENTITY, credentials_text(&visit))
        }
        LoginOutcome::RateLimited(wait) => {
            let answer = again(
                StatusCode::TOO_MANY_REQUESTS,
                &rate_limit_text(&visit, wait),
            );
            with_retry_after(answer, wait)
        }
    })
}

/// Writes the outcome to the audit log. If that fails, the new session is never handed out.
async fn record_outcome(
    app: &AppState,
    request_audit: &RequestAudit,
    login: &LoginOutcome,
) -> Result<(), Error> {
    match login {
        LoginOutcome::Authenticated(_, known) => {
            let event = AuditEvent::new(AuditAction::Login).with_subject(account_subject(known.id));
            request_audit.for_account(known.id).record(app, event).await
        }
        LoginOutcome::Refused(known) => {
            let mut event = AuditEvent::new(AuditAction::LoginFailed);
            event.subjects.extend(known.map(account_subject));
            request_audit.for_anonymous().record(app, event).await
        }
        LoginOutcome::RateLimited(_) => {
            request_audit.for_anonymous().record_rate_limited(app).await
        }
    }
}

/// Gives the browser the new session token, and ends the session it had before.
async fn start_browser_session(
    app: &AppState,
    visit: &PageContext,
    headers: &HeaderMap,
    token: &Token,
    next: Option<&str>,
) -> Result<Response, Error> {
    let secure = app.is_secure(headers);
    if let Some(before) = Cookie::Session.read(headers, secure) {
        let hash = before.hash();
        if let Some(session) = app.store.session(&hash).await? {
            app.store.remove_session(session.account, &hash).await?;
        }
    }
    let to = next.map_or_else(|| visit.link(HOME), |next| visit.link(next));
    Ok(redirect_with_cookies(
        &to,
        Cookie::Session
            .set(token, secure)
            .into_iter()
            .chain(Cookie::Csrf.clear(secure)),
    ))
}

async fn log_out(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    headers: HeaderMap,
) -> Result<Response, Error> {
    if let Some(session) = context.principal.session() {
        let event =
            AuditEvent::new(AuditAction::Logout).with_subject(account_subject(session.account));
        request_audit.record(&app, event).await?;
        app.store
            .remove_session(session.account, &session.hash)
            .await?;
    }
    Ok(redirect_logged_out(&app, &context.visit, &headers, "out"))
}

/// Deletes the session cookie and redirects to the login page, which shows the notice `done`.
pub(super) fn redirect_logged_out(
    app: &AppState,
    visit: &PageContext,
    headers: &HeaderMap,
    done: &str,
) -> Response {
    let cookie = Cookie::Session.clear(app.is_secure(headers));
    redirect_with_cookies(&visit.link_with_notice("/staff/login", done), cookie)
}

/// Returns the text for the user on how long to wait: the same number of seconds as in `Retry-After`.
pub(super) fn rate_limit_text(visit: &PageContext, wait: SignedDuration) -> String {
    let seconds = ceil_seconds(wait);
    visit.lang.pick(
        format!("Demasiados intentos. Espere {seconds} segundos e intente de nuevo."),
        format!("Too many attempts. Wait {seconds} seconds and try again."),
    )
}

pub(super) fn with_retry_after(mut answer: Response, wait: SignedDuration) -> Response {
    let seconds = HeaderValue::from(ceil_seconds(wait));
    answer.headers_mut().insert(header::RETRY_AFTER, seconds);
    answer
}

/// Rounds up to whole seconds.
fn ceil_seconds(wait: SignedDuration) -> i64 {
    wait.as_secs() + i64::from(wait.subsec_nanos() > 0)
}

fn credentials_text(visit: &PageContext) -> &str {
    visit.say(
        "El correo, la contraseña o el código no son correctos.",
        "Mail address, password or code is not right.",
    )
}

fn notice_text<'a>(visit: &'a PageContext, done: &str) -> &'a str {
    match done {
        "out" => visit.say("Salió de su cuenta.", "You are logged out."),
        "everywhere" => visit.say(
            "Se cerraron todas sus sesiones. Entre de nuevo.",
            "All your sessions have ended. Log in again.",
        ),
        "password" => visit.say(
            "La contraseña quedó guardada. Ya puede entrar.",
            "The password is set. You can log in now.",
        ),
        _ => "",
    }
}

/// Accepts only paths of the staff area: a link to the login page must not redirect to another host.
fn local_path(next: &str) -> Option<&str> {
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_staff = next == HOME || next.starts_with("/staff/");
    (plain && is_staff && !next.contains("//") && !next.contains('?')).then_some(next)
}

#[derive(Template)]
#[template(path = "staff/login.html")]
struct LoginPage<'a> {
    visit: &'a PageContext,
    csrf_token: &'a str,
    mail: &'a str,
    next: &'a str,
    notice: &'a str,
    problem: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_staff_area_are_accepted() {
        assert_eq!(local_path("/staff/accounts"), Some("/staff/accounts"));
        for next in [
            "",
            "/",
            "//evil.example/staff/",
            "/staff//evil",
            "https://evil.example/staff/",
            "/staffx",
            "/staff/\\evil",
            "/staff/\r\nX: y",
        ] {
            assert_eq!(local_path(next), None, "{next:?}");
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(ceil_seconds(SignedDuration::from_millis(1_001)), 2);
        assert_eq!(ceil_seconds(SignedDuration::from_secs(2)), 2);
    }
}
