//! The page of one account: role and places, a new password link, ending its sessions, closing the account. For admins.
//! Admins cannot demote or close themselves, so one admin always remains.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;
use uuid::Uuid;

use super::account::Asked;
use super::accounts::{Typed, show_link};
use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::{Action, Deed, Scribe};
use crate::domain::staff::{Account, Permission, Role, audit};
use crate::staff::accounts::{change, close, end_sessions, invite};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};

const NEED: Need = Need::Permission(Permission::Accounts);

/// Routes of the page and its forms.
pub(super) fn routes() -> Vec<Route> {
    let page = "/staff/accounts/{id}";
    vec![
        Route::get(page, NEED, look),
        Route::post(page, NEED, assign),
        Route::post("/staff/accounts/{id}/link", NEED, new_link),
        Route::post("/staff/accounts/{id}/sessions/end", NEED, end_all),
        Route::post("/staff/accounts/{id}/close", NEED, close_one),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    lost_second: String,
}

async fn look(
    State(app): State<AppState>,
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let account = account(&app, &id).await?;
    let notice = notice(&desk.visit, &asked.done);
    Ok(page(&desk, &account, notice, None))
}

async fn assign(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path(id): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let account = account(&app, &id).await?;
    let (role, reach) = match typed.read(&app, &desk.visit) {
        Ok(read) => read,
        Err(problem) => return Ok(page(&desk, &account, "", Some(&problem))),
    };
    if is_own(&desk, account.id) && role != account.role {
        return Ok(own(&desk, &account));
    }
    let deed = audit::assigned(Action::AccountChanged, account.id, role, &reach);
    scribe.note(&app, deed).await?;
    change(&app.store, account.id, |account| {
        account.assign(role, reach.clone());
        Some(())
    })
    .await?;
    info!(staff = desk.staff.logged(), account = %account.id, role = role.name(), "changed an account");
    Ok(back(&desk, &account, "role"))
}

async fn new_link(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Error> {
    let account = account(&app, &id).await?;
    let lost_second = wanted.lost_second == "true";
    // A link would bypass the password and code that changes of one's own account require.
    if is_own(&desk, account.id) {
        return Ok(own(&desk, &account));
    }
    account.is_open().then_some(()).ok_or(Error::NoSuchPage)?;
    let deed = about(Action::AccountLink, &account).with("lost_second", lost_second);
    scribe.note(&app, deed).await?;
    let link = invite(&app.store, account.id, lost_second, Timestamp::now()).await?;
    let link = link.ok_or(Error::NoSuchPage)?;
    info!(staff = desk.staff.logged(), account = %account.id, lost_second, "created a password link");
    Ok(show_link(
        &desk,
        &app.base_url(&headers),
        &account.mail,
        &link,
    ))
}

async fn end_all(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let account = account(&app, &id).await?;
    let deed = about(Action::SessionsEnded, &account);
    scribe.note(&app, deed).await?;
    end_sessions(&app.store, account.id).await?;
    info!(staff = desk.staff.logged(), account = %account.id, "ended every session of an account");
    Ok(back(&desk, &account, "sessions"))
}

async fn close_one(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let account = account(&app, &id).await?;
    if is_own(&desk, account.id) {
        return Ok(own(&desk, &account));
    }
    let deed = about(Action::AccountClosed, &account);
    scribe.note(&app, deed).await?;
    close(&app.store, account.id, Timestamp::now()).await?;
    info!(staff = desk.staff.logged(), account = %account.id, "closed an account");
    Ok(back(&desk, &account, "closed"))
}

async fn account(app: &AppState, id: &str) -> Result<Account, Error> {
    let id = Uuid::try_parse(id).map_err(|_| Error::NoSuchPage)?;
    let account = app.store.account(id).await?;
    account.ok_or(Error::NoSuchPage)
}

fn about(action: Action, account: &Account) -> Deed {
    Deed::of(action).to(audit::account(account.id))
}

fn is_own(desk: &Desk, id: Uuid) -> bool {
    desk.staff.account().is_ok_and(|own| own.id == id)
}

fn own(desk: &Desk, account: &Account) -> Response {
    let problem = desk.visit.say(
        "No puede cerrar su propia cuenta ni cambiar su propio papel. Pídalo a otra persona de administración.",
        "You cannot close your own account or change your own role. Ask another administrator.",
    );
    page(desk, account, "", Some(problem))
}

fn back(desk: &Desk, account: &Account, done: &str) -> Response {
    let path = format!("/staff/accounts/{}", account.id);
    Redirect::to(&desk.visit.link_done(&path, done)).into_response()
}

fn notice<'a>(visit: &'a Visit, done: &str) -> &'a str {
    match done {
        "role" => visit.say("El cambio quedó guardado.", "The change is saved."),
        "sessions" => visit.say(
            "Se cerraron todas sus sesiones.",
            "All its sessions have ended.",
        ),
        "closed" => visit.say("La cuenta quedó cerrada.", "The account is closed."),
        _ => "",
    }
}

fn page(desk: &Desk, account: &Account, notice: &str, problem: Option<&str>) -> Response {
    let page = OneAccountPage {
        visit: desk.visit.at(&format!("/staff/accounts/{}", account.id)),
        desk,
        account,
        notice,
        problem,
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    show(status, &page)
}

#[derive(Template)]
#[template(path = "staff/one_account.html")]
struct OneAccountPage<'a> {
    visit: Visit,
    desk: &'a Desk,
    account: &'a Account,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl OneAccountPage<'_> {
    fn address(&self, page: &str) -> String {
        let path = format!("/staff/accounts/{}{page}", self.account.id);
        self.visit.link(&path)
    }
}
