//! The login page, and logging out.

use askama::Template;
use axum::Extension;
use axum::extract::Form;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tracing::info;

use super::context::{PageResult, RequestContext, StaffContext};
use super::cookies::{Cookie, redirect_with_cookies};
use super::principal::Principal;
use super::request_audit::account_event;
use crate::web::error::{Error, retry_seconds};
use crate::web::filled_form::FilledForm;
use jornada_domain::staff::audit::account_subject;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_service::staff::login::{LoginAttempt, LoginOutcome};
use jornada_service::staff::password::Password;
use jornada_service::staff::token::Token;

/// The page after a login.
const HOME: &str = "/staff";
const PAGE: &str = "/staff/login";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LoginForm {
    mail: String,
    password: String,
    code: String,
    next: String,
}

pub(super) async fn show_form(
    staff: Option<Extension<Principal>>,
    context: RequestContext,
) -> Response {
    if staff.is_some_and(|staff| staff.session().is_some()) {
        return context.redirect(HOME);
    }
    let form = LoginForm {
        next: context.query_value("next"),
        ..LoginForm::default()
    };
    let notice = context.notice("login");
    render_form(&context, &FilledForm::new(form).with_notice(notice))
}

pub(super) async fn log_in(context: RequestContext, Form(form): Form<LoginForm>) -> PageResult {
    let app = &context.app;
    let attempt = LoginAttempt {
        email: form.mail.clone(),
        password: Password::from_input(&form.password),
        code: form.code.clone(),
        client_ip: context.audit.client_ip(),
    };
    let login = app
        .authenticator
        .log_in(&app.store, attempt, Timestamp::now());
    let login = login.await?;
    app.metrics.staff.count_login(&login);
    record_outcome(&context, &login).await?;
    Ok(match login {
        LoginOutcome::Authenticated(token, account) => {
            info!(staff = %account.id, "logged in");
            start_browser_session(&context, &token, local_path(&form.next)).await?
        }
        LoginOutcome::Refused(_) => {
            let problem = text!(context.lang, "staff-login-wrong");
            render_form(&context, &FilledForm::rejected(form, problem))
        }
        LoginOutcome::RateLimited(wait) => {
            render_form(&context, &rate_limited(&context, form, wait))
        }
    })
}

/// Writes the outcome to the audit log. If that fails, the new session is never handed out.
async fn record_outcome(context: &RequestContext, login: &LoginOutcome) -> Result<(), Error> {
    let (app, audit) = (&context.app, &context.audit);
    match login {
        LoginOutcome::Authenticated(_, known) => {
            let event = account_event(AuditAction::Login, known.id);
            audit.for_account(known.id).record(app, event).await
        }
        LoginOutcome::Refused(known) => {
            let mut event = AuditEvent::new(AuditAction::LoginFailed);
            event.subjects.extend(known.map(account_subject));
            audit.for_anonymous().record(app, event).await
        }
        LoginOutcome::RateLimited(_) => audit.for_anonymous().record_rate_limited(app).await,
    }
}

/// Gives the browser the new session token, and ends the session it had before.
async fn start_browser_session(
    context: &RequestContext,
    token: &Token,
    next: Option<&str>,
) -> PageResult {
    let (store, secure) = (&context.app.store, context.is_secure());
    if let Some(before) = Cookie::Session.read(&context.headers, secure) {
        let hash = before.hash();
        if let Some(session) = store.session(&hash).await? {
            store.remove_session(session.account, &hash).await?;
        }
    }
    let cookies = [
        Cookie::Session.set(token, secure),
        Cookie::Csrf.clear(secure),
    ];
    let to = context.link(next.unwrap_or(HOME));
    Ok(redirect_with_cookies(&to, cookies.into_iter().flatten()))
}

pub(super) async fn log_out(context: StaffContext) -> PageResult {
    if let Some(session) = context.principal.session() {
        context.record_own(AuditAction::Logout).await?;
        let store = &context.app.store;
        store.remove_session(session.account, &session.hash).await?;
    }
    Ok(redirect_logged_out(&context, "out"))
}

/// Deletes the session cookie and redirects to the login page, which shows the notice `done`.
pub(super) fn redirect_logged_out(context: &RequestContext, done: &str) -> Response {
    let cookie = Cookie::Session.clear(context.is_secure());
    redirect_with_cookies(&context.link_with_notice(PAGE, done), cookie)
}

/// Returns the form as it is shown after too many attempts (429), with the same number of seconds as in `Retry-After`.
pub(super) fn rate_limited<T>(
    context: &RequestContext,
    values: T,
    wait: SignedDuration,
) -> FilledForm<T> {
    let seconds = retry_seconds(wait);
    let problem = text!(context.lang, "staff-too-many-attempts", seconds = seconds);
    FilledForm::rejected(values, problem).with_status_of(&Error::RateLimited(wait))
}

/// Accepts only paths of the staff area: a link to the login page must not redirect to another host.
fn local_path(next: &str) -> Option<&str> {
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_staff = next == HOME || next.starts_with("/staff/");
    // Browsers resolve dots, also encoded ones, before they follow a redirect.
    let is_normal = !["//", "?", "#", "%", "/."]
        .iter()
        .any(|part| next.contains(part));
    (plain && is_staff && is_normal).then_some(next)
}

fn render_form(context: &RequestContext, form: &FilledForm<LoginForm>) -> Response {
    let page = LoginPage {
        visit: context,
        next: local_path(&form.values.next).unwrap_or_default(),
        form,
    };
    form.render(&page)
}

#[derive(Template)]
#[template(path = "staff/login.html")]
struct LoginPage<'a> {
    visit: &'a RequestContext,
    next: &'a str,
    form: &'a FilledForm<LoginForm>,
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
            "/staff/../../x",
            "/staff/./x",
            "/staff/..",
            "/staff/%2e%2e/x",
            "/staff/#x",
        ] {
            assert_eq!(local_path(next), None, "{next:?}");
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(retry_seconds(SignedDuration::from_millis(1_001)), 2);
        assert_eq!(retry_seconds(SignedDuration::from_secs(2)), 2);
    }
}
