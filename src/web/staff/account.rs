//! The page of one's own account: password, second factor, sessions.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tracing::info;

use super::browser::Cookie;
use super::guard::{Desk, lead};
use super::login::{leave, retry_after, slowed};
use super::route::{Need, Route};
use super::scribe::{Action, Deed, Scribe};
use crate::domain::staff::{Account, Permission, Session, audit};
use crate::staff::accounts::{change, end_sessions};
use crate::staff::login::Proof;
use crate::staff::password::Password;
use crate::staff::{AccountsError, sessions};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};

const PAGE: &str = "/staff/account";

/// Routes of one's own account.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Need::Account, look),
        Route::post("/staff/account/password", Need::Account, change_password),
        Route::post("/staff/account/sessions/end", Need::Account, end_one),
        Route::post("/staff/account/sessions/end-all", Need::Account, end_all),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) done: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    current: String,
    new: String,
    again: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chosen {
    session: String,
}

async fn look(
    State(app): State<AppState>,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let notice = notice(&desk.visit, &asked.done);
    let page = AccountPage::of(&app, &desk, notice, None).await?;
    Ok(show(StatusCode::OK, &page))
}

async fn change_password(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let (account, now) = (desk.staff.account()?, Timestamp::now());
    let password = match Password::choose(&typed.new, &typed.again, &account.mail) {
        Ok(password) => password,
        Err(weak) => return again(&app, &desk, weak.message(desk.visit.lang)).await,
    };
    let current = Password::typed(&typed.current);
    if let Some(answer) = unless_proven(&app, &desk, &scribe, current, None).await? {
        return Ok(answer);
    }
    let phc = app
        .authenticator
        .passwords
        .hash(password)
        .await
        .map_err(AccountsError::from)?;
    scribe
        .note(&app, own(&desk, Action::PasswordChanged)?)
        .await?;
    let changed = change(&app.store, account.id, |latest| {
        // Fails if the password changed since it was verified.
        latest.is_still(account).then(|| {
            latest.set_password(phc.clone());
            latest.clone()
        })
    });
    let changed = changed.await?.ok_or(Error::Unauthorized)?;
    info!(staff = %changed.id, "changed the password; every session ended");
    let token = sessions::open(&app.store, &changed, now).await?;
    let cookie = Cookie::Session.set(&token, app.is_secure(&headers));
    Ok(lead(&desk.visit.link_done(PAGE, "password"), cookie))
}

/// Verifies the password of the account, and the code if one is given. Returns the page with the problem, or `None` if
/// both are correct.
pub(super) async fn unless_proven(
    app: &AppState,
    desk: &Desk,
    scribe: &Scribe,
    password: Password,
    code: Option<&str>,
) -> Result<Option<Response>, Error> {
    let (account, now) = (desk.staff.account()?, Timestamp::now());
    let proof = app
        .authenticator
        .prove(account, password, code, scribe.from(), now);
    let wrong = match proof.await? {
        Proof::Right => return Ok(None),
        Proof::WrongPassword => desk.visit.say(
            "La contraseña actual no es correcta.",
            "The current password is not right.",
        ),
        Proof::WrongCode => desk.visit.say(
            "El código no es correcto, o ya se usó. Espere el siguiente.",
            "The code is not right, or was used before. Wait for the next one.",
        ),
        Proof::Slowed(wait) => {
            scribe.note_slowed(app).await?;
            let problem = slowed(&desk.visit, wait);
            let page = AccountPage::of(app, desk, "", Some(&problem)).await?;
            let page = show(StatusCode::TOO_MANY_REQUESTS, &page);
            return Ok(Some(retry_after(page, wait)));
        }
    };
    scribe.note(app, own(desk, Action::LoginFailed)?).await?;
    Ok(Some(again(app, desk, wrong).await?))
}

/// Builds the audit event for an action on one's own account.
pub(super) fn own(desk: &Desk, action: Action) -> Result<Deed, Error> {
    let account = desk.staff.account()?;
    Ok(Deed::of(action).to(audit::account(account.id)))
}

/// Renders the page with a problem (422).
async fn again(app: &AppState, desk: &Desk, problem: &str) -> Result<Response, Error> {
    let page = AccountPage::of(app, desk, "", Some(problem)).await?;
    Ok(show(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn end_one(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Error> {
    let hash = hash(&chosen.session).ok_or(Error::NoSuchPage)?;
    let account = desk.staff.account()?;
    scribe.note(&app, own(&desk, Action::SessionEnded)?).await?;
    app.store.remove_session(account.id, &hash).await?;
    if desk.staff.session().is_some_and(|own| own.hash == hash) {
        return Ok(leave(&app, &desk.visit, &headers, "out"));
    }
    Ok(Redirect::to(&desk.visit.link_done(PAGE, "session")).into_response())
}

async fn end_all(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    headers: HeaderMap,
) -> Result<Response, Error> {
    scribe
        .note(&app, own(&desk, Action::SessionsEnded)?)
        .await?;
    end_sessions(&app.store, desk.staff.account()?.id).await?;
    Ok(leave(&app, &desk.visit, &headers, "everywhere"))
}

/// Parses a hash from a form field (hexadecimal).
pub(super) fn hash(text: &str) -> Option<[u8; 32]> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

fn notice<'a>(visit: &'a Visit, done: &str) -> &'a str {
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
    visit: Visit,
    desk: &'a Desk,
    account: &'a Account,
    sessions: Vec<Session>,
    zone: &'a TimeZone,
    /// Whether the role requires the second factor, so that it cannot be disabled.
    needs_second: bool,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl<'a> AccountPage<'a> {
    async fn of(
        app: &'a AppState,
        desk: &'a Desk,
        notice: &'a str,
        problem: Option<&'a str>,
    ) -> Result<Self, Error> {
        let (account, now) = (desk.staff.account()?, Timestamp::now());
        let mut sessions = app.store.sessions_of(account.id).await?;
        sessions.retain(|session| session.is_live(account, now));
        Ok(Self {
            visit: desk.visit.at(PAGE),
            desk,
            account,
            sessions,
            zone: &app.campaigns.default().time_zone,
            needs_second: app.authenticator.needs_second(account),
            notice,
            problem,
        })
    }

    fn is_own(&self, session: &Session) -> bool {
        self.desk
            .staff
            .session()
            .is_some_and(|own| own.hash == session.hash)
    }

    fn named(session: &Session) -> String {
        data_encoding::HEXLOWER.encode(&session.hash)
    }
}
