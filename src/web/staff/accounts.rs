//! The list of accounts, and the form that adds one. For admins.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use strum::VariantArray;
use tracing::info;

use super::guard::StaffContext;
use super::request_audit::{AuditAction, RequestAudit};
use super::route::{Requirement, Route};
use crate::domain::staff::{Account, EmailAddress, Permission, PlaceScope, Role, audit};
use crate::staff::accounts::{add_account, find_vacant_id};
use crate::staff::place_scope;
use crate::staff::token::Token;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{PageContext, render};

const NEED: Requirement = Requirement::Permission(Permission::Accounts);

/// Routes of the list and its form.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/staff/accounts", NEED, list_accounts),
        Route::post("/staff/accounts", NEED, create_account),
    ]
}

/// The form that adds an account or changes its role and places.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AccountForm {
    mail: String,
    role: String,
    /// One place per line.
    places: String,
}

impl AccountForm {
    /// Parses role and places. The error is the text for the user.
    pub(super) fn parse(
        &self,
        app: &AppState,
        visit: &PageContext,
    ) -> Result<(Role, PlaceScope), String> {
        let role = Role::parse(&self.role);
        let role = role.ok_or_else(|| visit.say("Elija un papel.", "Choose a role.").to_owned())?;
        Ok((role, parse_places(app, visit, &self.places)?))
    }
}

/// Parses places, one per line. The error is the text for the user.
pub(super) fn parse_places(
    app: &AppState,
    visit: &PageContext,
    text: &str,
) -> Result<PlaceScope, String> {
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    place_scope::parse(&app.campaigns, &lines).map_err(|name| {
        visit.lang.pick(
            format!("Ninguna campaña cuenta por '{name}'."),
            format!("No campaign counts by '{name}'."),
        )
    })
}

async fn list_accounts(
    State(app): State<AppState>,
    context: StaffContext,
) -> Result<Response, Error> {
    render_page(
        &app,
        &context,
        StatusCode::OK,
        &AccountForm::default(),
        None,
    )
    .await
}

async fn create_account(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    headers: HeaderMap,
    Form(form): Form<AccountForm>,
) -> Result<Response, Error> {
    let visit = &context.visit;
    let wrong = |problem: String| (StatusCode::UNPROCESSABLE_ENTITY, problem);
    let read = || {
        let mail = EmailAddress::parse(&form.mail);
        let mail = mail.ok_or_else(|| {
            visit
                .say("Revise el correo.", "Check the mail address.")
                .to_owned()
        });
        mail.and_then(|mail| Ok((mail, form.parse(&app, visit)?)))
    };
    let (mail, (role, reach)) = match read().map_err(wrong) {
        Ok(read) => read,
        Err((status, problem)) => {
            return render_page(&app, &context, status, &form, Some(&problem)).await;
        }
    };
    let store = &app.store;
    let added = match find_vacant_id(store, &mail).await? {
        Some(id) => {
            let event = audit::role_assigned(AuditAction::AccountAdded, id, role, &reach);
            request_audit.record(&app, event).await?;
            add_account(store, id, &mail, role, &reach, Timestamp::now()).await?
        }
        None => None,
    };
    let Some(link) = added else {
        let known = visit.say(
            "Ya hay una cuenta con este correo.",
            "There is already an account of this address.",
        );
        return render_page(&app, &context, StatusCode::CONFLICT, &form, Some(known)).await;
    };
    info!(
        staff = context.principal.log_name(),
        role = role.name(),
        "added an account"
    );
    Ok(render_link(&context, &app.base_url(&headers), &mail, &link))
}

/// Renders the page that shows a new password link, once.
pub(super) fn render_link(
    context: &StaffContext,
    base: &str,
    mail: &EmailAddress,
    link: &Token,
) -> Response {
    let page = LinkPage {
        visit: context.visit.with_path("/staff/accounts"),
        context,
        mail: mail.as_str(),
        address: password_link_url(base, link),
    };
    render(StatusCode::OK, &page)
}

/// Returns the URL of a password link.
#[must_use]
pub fn password_link_url(base: &str, link: &Token) -> String {
    format!("{base}/staff/password/{}", link.expose())
}

async fn render_page(
    app: &AppState,
    context: &StaffContext,
    status: StatusCode,
    form: &AccountForm,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let page = AccountsPage {
        visit: &context.visit,
        context,
        accounts: app.store.accounts().await?,
        form,
        problem,
    };
    Ok(render(status, &page))
}

#[derive(Template)]
#[template(path = "staff/accounts.html")]
struct AccountsPage<'a> {
    visit: &'a PageContext,
    context: &'a StaffContext,
    accounts: Vec<Account>,
    form: &'a AccountForm,
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
    visit: PageContext,
    context: &'a StaffContext,
    mail: &'a str,
    address: String,
}
