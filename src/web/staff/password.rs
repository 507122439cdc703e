//! The page of a password link, which sets the password of a new account or replaces a forgotten one. A link is valid
//! once and for 48 hours.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::guard::{FormKey, lead};
use super::route::{Need, Route};
use super::scribe::{Action, Deed, Scribe};
use crate::domain::staff::{Account, audit};
use crate::staff::accounts::change;
use crate::staff::password::{Password, Weak};
use crate::staff::token::Token;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};

/// Routes of the link.
pub(super) fn routes() -> Vec<Route> {
    let path = "/staff/password/{link}";
    vec![
        Route::get(path, Need::Nothing, ask),
        Route::post(path, Need::Nothing, set),
    ]
}

/// The new password, typed twice.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    new: String,
    again: String,
}

async fn ask(
    State(app): State<AppState>,
    Path(link): Path<String>,
    visit: Visit,
    FormKey(form_key): FormKey,
) -> Result<Response, Error> {
    let account = invited(&app, &Token::sent(&link)).await?;
    Ok(page(&visit, &form_key, &account, None))
}

async fn set(
    State(app): State<AppState>,
    Path(link): Path<String>,
    visit: Visit,
    scribe: Scribe,
    FormKey(form_key): FormKey,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let hash = Token::sent(&link).hash();
    let account = invited(&app, &Token::sent(&link)).await?;
    let password = match Password::choose(&typed.new, &typed.again, &account.mail) {
        Ok(password) => password,
        Err(weak) => return Ok(page(&visit, &form_key, &account, Some(weak))),
    };
    let phc = app
        .authenticator
        .passwords
        .hash(password)
        .await
        .map_err(crate::staff::AccountsError::from)?;
    let deed = Deed::of(Action::PasswordSet).to(audit::account(account.id));
    scribe.of(account.id).note(&app, deed).await?;
    let used = change(&app.store, account.id, |account| {
        let good = account.takes_link(&hash, Timestamp::now());
        good.then(|| account.set_password(phc.clone()))
    });
    used.await?.ok_or(Error::NoSuchLink)?;
    info!(staff = %account.id, "set a password by a link");
    Ok(lead(&visit.link_done("/staff/login", "password"), None))
}

async fn invited(app: &AppState, link: &Token) -> Result<Account, Error> {
    let hash = link.hash();
    let found = app.store.account_by_link(&hash).await?;
    let invited = found.filter(|account| account.takes_link(&hash, Timestamp::now()));
    invited.ok_or(Error::NoSuchLink)
}

fn page(visit: &Visit, form_key: &str, account: &Account, weak: Option<Weak>) -> Response {
    let page = PasswordPage {
        visit,
        form_key,
        mail: account.mail.as_str(),
        problem: weak.map(|weak| weak.message(visit.lang)),
    };
    let status = weak.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    show(status, &page)
}

#[derive(Template)]
#[template(path = "staff/password.html")]
struct PasswordPage<'a> {
    visit: &'a Visit,
    form_key: &'a str,
    mail: &'a str,
    problem: Option<&'a str>,
}
