//! The login page, and logging out.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tracing::info;

use super::browser::Cookie;
use super::guard::{Desk, FormKey, lead};
use super::route::{Need, Route};
use super::scribe::{Action, Deed, Scribe};
use super::who::Staff;
use crate::domain::staff::audit::account;
use crate::staff::login::{Attempt, Login};
use crate::staff::password::Password;
use crate::staff::token::Token;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};

/// The page after a login.
const HOME: &str = "/staff";

/// Routes of login and logout.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/staff/login", Need::Nothing, ask),
        Route::post("/staff/login", Need::Nothing, log_in),
        Route::post("/staff/logout", Need::Account, log_out),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    next: String,
    done: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    mail: String,
    password: String,
    code: String,
    next: String,
}

async fn ask(
    staff: Option<axum::Extension<Staff>>,
    visit: Visit,
    FormKey(form_key): FormKey,
    Query(asked): Query<Asked>,
) -> Response {
    if staff.is_some_and(|staff| staff.session().is_some()) {
        return Redirect::to(&visit.link(HOME)).into_response();
    }
    let page = LoginPage {
        visit: &visit,
        form_key: &form_key,
        mail: "",
        next: local(&asked.next).unwrap_or_default(),
        notice: notice(&visit, &asked.done),
        problem: None,
    };
    show(StatusCode::OK, &page)
}

async fn log_in(
    State(app): State<AppState>,
    visit: Visit,
    scribe: Scribe,
    FormKey(form_key): FormKey,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let attempt = Attempt {
        mail: typed.mail.clone(),
        password: Password::typed(&typed.password),
        code: typed.code,
        from: scribe.from(),
    };
    let login = app
        .authenticator
        .log_in(&app.store, attempt, Timestamp::now())
        .await?;
    app.metrics.staff.tried(&login);
    note(&app, &scribe, &login).await?;
    let again = |status, problem: &str| {
        let page = LoginPage {
            visit: &visit,
            form_key: &form_key,
            mail: &typed.mail,
            next: local(&typed.next).unwrap_or_default(),
            notice: "",
            problem: Some(problem),
        };
        show(status, &page)
    };
    Ok(match login {
        Login::In(token, account) => {
            info!(staff = %account.id, "logged in");
            enter(&app, &visit, &headers, &token, local(&typed.next)).await?
        }
        Login::Refused(_) => again(StatusCode::UNPROCESSABLE_ENTITY, wrong(&visit)),
        Login::Slowed(wait) => {
            let answer = again(StatusCode::TOO_MANY_REQUESTS, &slowed(&visit, wait));
            retry_after(answer, wait)
        }
    })
}

/// Writes the outcome to the audit log. If that fails, the new session is never handed out.
async fn note(app: &AppState, scribe: &Scribe, login: &Login) -> Result<(), Error> {
    match login {
        Login::In(_, known) => {
            let deed = Deed::of(Action::Login).to(account(known.id));
            scribe.of(known.id).note(app, deed).await
        }
        Login::Refused(known) => {
            let mut deed = Deed::of(Action::LoginFailed);
            deed.subjects.extend(known.map(account));
            scribe.of_nobody().note(app, deed).await
        }
        Login::Slowed(_) => scribe.of_nobody().note_slowed(app).await,
    }
}

/// Gives the browser the new session token, and ends the session it had before.
async fn enter(
    app: &AppState,
    visit: &Visit,
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
    Ok(lead(
        &to,
        Cookie::Session
            .set(token, secure)
            .into_iter()
            .chain(Cookie::Form.clear(secure)),
    ))
}

async fn log_out(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    headers: HeaderMap,
) -> Result<Response, Error> {
    if let Some(session) = desk.staff.session() {
        let deed = Deed::of(Action::Logout).to(account(session.account));
        scribe.note(&app, deed).await?;
        app.store
            .remove_session(session.account, &session.hash)
            .await?;
    }
    Ok(leave(&app, &desk.visit, &headers, "out"))
}

/// Deletes the session cookie and redirects to the login page, which shows the notice `done`.
pub(super) fn leave(app: &AppState, visit: &Visit, headers: &HeaderMap, done: &str) -> Response {
    let cookie = Cookie::Session.clear(app.is_secure(headers));
    lead(&visit.link_done("/staff/login", done), cookie)
}

/// Returns the text for the user on how long to wait: the same number of seconds as in `Retry-After`.
pub(super) fn slowed(visit: &Visit, wait: SignedDuration) -> String {
    let seconds = seconds(wait);
    visit.lang.pick(
        format!("Demasiados intentos. Espere {seconds} segundos e intente de nuevo."),
        format!("Too many attempts. Wait {seconds} seconds and try again."),
    )
}

pub(super) fn retry_after(mut answer: Response, wait: SignedDuration) -> Response {
    let seconds = HeaderValue::from(seconds(wait));
    answer.headers_mut().insert(header::RETRY_AFTER, seconds);
    answer
}

/// Rounds up to whole seconds.
fn seconds(wait: SignedDuration) -> i64 {
    wait.as_secs() + i64::from(wait.subsec_nanos() > 0)
}

fn wrong(visit: &Visit) -> &str {
    visit.say(
        "El correo, la contraseña o el código no son correctos.",
        "Mail address, password or code is not right.",
    )
}

fn notice<'a>(visit: &'a Visit, done: &str) -> &'a str {
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
fn local(next: &str) -> Option<&str> {
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_staff = next == HOME || next.starts_with("/staff/");
    (plain && is_staff && !next.contains("//") && !next.contains('?')).then_some(next)
}

#[derive(Template)]
#[template(path = "staff/login.html")]
struct LoginPage<'a> {
    visit: &'a Visit,
    form_key: &'a str,
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
        assert_eq!(local("/staff/accounts"), Some("/staff/accounts"));
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
            assert_eq!(local(next), None, "{next:?}");
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(seconds(SignedDuration::from_millis(1_001)), 2);
        assert_eq!(seconds(SignedDuration::from_secs(2)), 2);
    }
}
