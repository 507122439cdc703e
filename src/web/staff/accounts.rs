//! The list of accounts, and the form that adds one. For admins.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::{Action, Scribe};
use crate::domain::staff::{Account, Mail, Permission, Reach, Role, audit};
use crate::staff::accounts::{add, vacancy};
use crate::staff::places;
use crate::staff::token::Token;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};

const NEED: Need = Need::Permission(Permission::Accounts);

/// Routes of the list and its form.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/staff/accounts", NEED, list),
        Route::post("/staff/accounts", NEED, add_one),
    ]
}

/// The form that adds an account or changes its role and places.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    mail: String,
    role: String,
    /// One place per line.
    places: String,
}

impl Typed {
    /// Parses role and places. The error is the text for the user.
    pub(super) fn read(&self, app: &AppState, visit: &Visit) -> Result<(Role, Reach), String> {
        let role = Role::parse(&self.role);
        let role = role.ok_or_else(|| visit.say("Elija un papel.", "Choose a role.").to_owned())?;
        Ok((role, read_places(app, visit, &self.places)?))
    }
}

/// Parses places, one per line. The error is the text for the user.
pub(super) fn read_places(app: &AppState, visit: &Visit, typed: &str) -> Result<Reach, String> {
    let lines: Vec<_> = typed.lines().map(str::to_owned).collect();
    places::read(&app.campaigns, &lines).map_err(|name| {
        visit.lang.pick(
            format!("Ninguna campaña cuenta por '{name}'."),
            format!("No campaign counts by '{name}'."),
        )
    })
}

async fn list(State(app): State<AppState>, desk: Desk) -> Result<Response, Error> {
    answer(&app, &desk, StatusCode::OK, &Typed::default(), None).await
}

async fn add_one(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let visit = &desk.visit;
    let wrong = |problem: String| (StatusCode::UNPROCESSABLE_ENTITY, problem);
    let read = || {
        let mail = Mail::parse(&typed.mail);
        let mail = mail.ok_or_else(|| {
            visit
                .say("Revise el correo.", "Check the mail address.")
                .to_owned()
        });
        mail.and_then(|mail| Ok((mail, typed.read(&app, visit)?)))
    };
    let (mail, (role, reach)) = match read().map_err(wrong) {
        Ok(read) => read,
        Err((status, problem)) => return answer(&app, &desk, status, &typed, Some(&problem)).await,
    };
    let store = &app.store;
    let added = match vacancy(store, &mail).await? {
        Some(id) => {
            let deed = audit::assigned(Action::AccountAdded, id, role, &reach);
            scribe.note(&app, deed).await?;
            add(store, id, &mail, role, &reach, Timestamp::now()).await?
        }
        None => None,
    };
    let Some(link) = added else {
        let known = visit.say(
            "Ya hay una cuenta con este correo.",
            "There is already an account of this address.",
        );
        return answer(&app, &desk, StatusCode::CONFLICT, &typed, Some(known)).await;
    };
    info!(
        staff = desk.staff.logged(),
        role = role.name(),
        "added an account"
    );
    Ok(show_link(&desk, &app.base_url(&headers), &mail, &link))
}

/// Renders the page that shows a new password link, once.
pub(super) fn show_link(desk: &Desk, base: &str, mail: &Mail, link: &Token) -> Response {
    let page = LinkPage {
        visit: desk.visit.at("/staff/accounts"),
        desk,
        mail: mail.as_str(),
        address: address(base, link),
    };
    show(StatusCode::OK, &page)
}

/// Returns the URL of a password link.
#[must_use]
pub fn address(base: &str, link: &Token) -> String {
    format!("{base}/staff/password/{}", link.expose())
}

async fn answer(
    app: &AppState,
    desk: &Desk,
    status: StatusCode,
    typed: &Typed,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let page = AccountsPage {
        visit: &desk.visit,
        desk,
        accounts: app.store.accounts().await?,
        typed,
        problem,
    };
    Ok(show(status, &page))
}

#[derive(Template)]
#[template(path = "staff/accounts.html")]
struct AccountsPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    accounts: Vec<Account>,
    typed: &'a Typed,
    problem: Option<&'a str>,
}

impl AccountsPage<'_> {
    fn state(&self, account: &Account) -> &'static str {
        let lang = self.visit.lang;
        match (account.is_open(), &account.password) {
            (false, _) => lang.pick("Cerrada", "Closed"),
            (true, None) => lang.pick("Invitada", "Invited"),
            (true, Some(_)) => lang.pick("Activa", "Active"),
        }
    }

    fn address(&self, account: &Account) -> String {
        self.visit.link(&format!("/staff/accounts/{}", account.id))
    }
}

#[derive(Template)]
#[template(path = "staff/link.html")]
struct LinkPage<'a> {
    visit: Visit,
    desk: &'a Desk,
    mail: &'a str,
    address: String,
}
