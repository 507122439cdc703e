//! The pages that enable and disable the second factor of one's own account. A new secret is not stored: it travels in
//! the form, encrypted, until a code proves that the app has it.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::account::{own, unless_proven};
use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::{Action, Scribe};
use crate::domain::staff::{Permission, SecondFactor};
use crate::staff::accounts::change;
use crate::staff::password::Password;
use crate::staff::second::Shared;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};
use crate::web::qr::Qr;

const PAGE: &str = "/staff/account/second";

/// Routes of the second factor.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Need::Account, offer),
        Route::post(PAGE, Need::Account, switch_on),
        Route::post("/staff/account/second/off", Need::Account, switch_off),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    password: String,
    code: String,
    sealed: String,
}

async fn offer(State(app): State<AppState>, desk: Desk) -> Result<Response, Error> {
    let shared = Shared::generate().map_err(crate::staff::AccountsError::from)?;
    page(&app, &desk, &shared, None)
}

async fn switch_on(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let (account, now) = (desk.staff.account()?, Timestamp::now());
    let sealed = data_encoding::BASE64URL_NOPAD.decode(typed.sealed.as_bytes());
    let sealed = sealed.map_err(|_| Error::Malformed("sealed"))?;
    let shared = Shared::open(&sealed, &app.authenticator.keys, account.id);
    let shared = shared.ok_or(Error::Malformed("sealed"))?;
    let Some(used_step) = shared.step(&typed.code, now) else {
        let wrong = desk.visit.say(
            "El código no es correcto. Revise que la hora del teléfono sea automática.",
            "The code is not right. Check that the phone's clock is set by itself.",
        );
        return page(&app, &desk, &shared, Some(wrong));
    };
    let password = Password::typed(&typed.password);
    if let Some(answer) = unless_proven(&app, &desk, &scribe, password, None).await? {
        return Ok(answer);
    }
    scribe.note(&app, own(&desk, Action::SecondOn)?).await?;
    let changed = change(&app.store, account.id, |latest| {
        let sealed = sealed.clone();
        (latest.is_still(account) && latest.second.is_none())
            .then(|| latest.second = Some(SecondFactor { sealed, used_step }))
    });
    changed.await?.ok_or(Error::InvalidCsrfToken)?;
    info!(staff = %account.id, "enabled the second factor");
    Ok(Redirect::to(&desk.visit.link_done("/staff/account", "second")).into_response())
}

async fn switch_off(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let (account, now) = (desk.staff.account()?, Timestamp::now());
    if app.authenticator.needs_second(account) {
        return Err(Error::Forbidden);
    }
    let (password, code) = (Password::typed(&typed.password), &*typed.code);
    let proven = unless_proven(&app, &desk, &scribe, password, Some(code));
    if let Some(answer) = proven.await? {
        return Ok(answer);
    }
    scribe.note(&app, own(&desk, Action::SecondOff)?).await?;
    let changed = change(&app.store, account.id, |latest| {
        (latest.is_still(account) && app.authenticator.use_code(latest, code, now))
            .then(|| latest.second = None)
    });
    changed.await?.ok_or(Error::InvalidCsrfToken)?;
    info!(staff = %account.id, "disabled the second factor");
    Ok(Redirect::to(&desk.visit.link_done("/staff/account", "second-off")).into_response())
}

fn page(
    app: &AppState,
    desk: &Desk,
    shared: &Shared,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let account = desk.staff.account()?;
    let sealed = shared.seal(&app.authenticator.keys, account.id);
    let sealed = sealed.map_err(crate::staff::AccountsError::from)?;
    let page = SecondPage {
        visit: &desk.visit,
        desk,
        is_on: account.second.is_some(),
        is_needed: app.authenticator.lacks_second(account),
        qr: Qr::of(&shared.address(&account.mail))
            .map_err(|error| Error::Internal(error.into()))?,
        secret: in_fours(&shared.text()),
        sealed: data_encoding::BASE64URL_NOPAD.encode(&sealed),
        problem,
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok(show(status, &page))
}

/// Splits a text into groups of four characters, for copying by hand.
fn in_fours(text: &str) -> String {
    let fours = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
    fours.collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "staff/second.html")]
struct SecondPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    is_on: bool,
    is_needed: bool,
    qr: Qr,
    secret: String,
    sealed: String,
    problem: Option<&'a str>,
}
