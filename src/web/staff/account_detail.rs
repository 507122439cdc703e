//! The page of one account: role and places, a new password link, ending its sessions, closing the account. For admins.
//! Admins cannot demote or close themselves, so one admin always remains.

use askama::Template;
use axum::extract::{Form, FromRequestParts};
use axum::http::request::Parts;
use axum::response::Response;
use derive_more::Deref;
use jiff::Timestamp;
use serde::Deserialize;
use strum::VariantArray;
use tracing::info;
use uuid::Uuid;

use super::accounts::{AccountForm, render_link};
use super::context::{PageResult, StaffContext, path_param};
use super::request_audit::account_event;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::staff::{Account, Permission, Role, audit};
use jornada_service::staff::accounts::{close_account, end_sessions, issue_link, update_account};

/// Access to one account. Extractor for paths with the id of an account.
#[derive(Deref)]
pub(super) struct AccountAccess {
    #[deref]
    context: StaffContext,
    account: Account,
}

impl FromRequestParts<AppState> for AccountAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let id = path_param(parts, app, "id").await?;
        let id = Uuid::try_parse(&id).map_err(|_| Error::NoSuchPage)?;
        Ok(Self {
            context: StaffContext::from_request_parts(parts, app).await?,
            account: app.store.account(id).await?.ok_or(Error::NoSuchPage)?,
        })
    }
}

impl AccountAccess {
    /// Returns the path of the account's page, or of a page below it.
    fn path(&self, below: &str) -> String {
        format!("/staff/accounts/{}{below}", self.account.id)
    }

    fn link_to(&self, below: &str) -> String {
        self.link(&self.path(below))
    }

    /// Returns whether the account is the reader's own.
    fn is_own(&self) -> bool {
        self.context
            .account()
            .is_ok_and(|own| own.id == self.account.id)
    }

    /// Redirects to the account's page, which shows the notice `done`.
    fn redirect_back(&self, done: &str) -> Response {
        self.redirect_with_notice(&self.path(""), done)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LinkForm {
    lost_second: String,
}

pub(super) async fn show_account(access: AccountAccess) -> Response {
    let notice = access.notice("account-detail");
    render_page(&access, &FilledForm::default().with_notice(notice))
}

pub(super) async fn change_role(
    access: AccountAccess,
    Form(form): Form<AccountForm>,
) -> PageResult {
    let (account, store) = (&access.account, &access.app.store);
    let (role, places) = match form.parse_role(&access).await {
        Ok(read) => read,
        Err(error) => {
            let form = FilledForm::rejected((), error.into_text()?);
            return Ok(render_page(&access, &form));
        }
    };
    if access.is_own() && role != account.role {
        return Ok(refuse_own_account(&access));
    }
    let event = audit::role_assigned(AuditAction::AccountChanged, account.id, role, &places);
    access.record(event).await?;
    update_account(store, account.id, |account| {
        account.assign_role(role, places.clone());
        Some(())
    })
    .await?;
    info!(staff = access.principal.log_name(), account = %account.id, role = <&str>::from(role), "changed an account");
    Ok(access.redirect_back("role"))
}

pub(super) async fn create_link(access: AccountAccess, Form(form): Form<LinkForm>) -> PageResult {
    let (account, store) = (&access.account, &access.app.store);
    let lost_second = form.lost_second == "true";
    // A link would bypass the password and code that changes of one's own account require.
    if access.is_own() {
        return Ok(refuse_own_account(&access));
    }
    account.is_open().then_some(()).ok_or(Error::NoSuchPage)?;
    let event = account_event(AuditAction::AccountLink, account.id);
    access
        .record(event.with_detail("lost_second", lost_second))
        .await?;
    let link = issue_link(store, account.id, lost_second, Timestamp::now()).await?;
    let link = link.ok_or(Error::NoSuchPage)?;
    info!(staff = access.principal.log_name(), account = %account.id, lost_second, "created a password link");
    Ok(render_link(&access, &account.email, &link))
}

pub(super) async fn end_all_sessions(access: AccountAccess) -> PageResult {
    let id = access.account.id;
    access
        .record(account_event(AuditAction::SessionsEnded, id))
        .await?;
    end_sessions(&access.app.store, id).await?;
    info!(staff = access.principal.log_name(), account = %id, "ended every session of an account");
    Ok(access.redirect_back("sessions"))
}

pub(super) async fn submit_close(access: AccountAccess) -> PageResult {
    let id = access.account.id;
    if access.is_own() {
        return Ok(refuse_own_account(&access));
    }
    access
        .record(account_event(AuditAction::AccountClosed, id))
        .await?;
    close_account(&access.app.store, id, Timestamp::now()).await?;
    info!(staff = access.principal.log_name(), account = %id, "closed an account");
    Ok(access.redirect_back("closed"))
}

fn refuse_own_account(access: &AccountAccess) -> Response {
    let problem = text!(access.lang, "staff-account-not-yourself");
    render_page(access, &FilledForm::rejected((), problem))
}

fn render_page(access: &AccountAccess, form: &FilledForm<()>) -> Response {
    let page = AccountDetailPage {
        visit: access.with_path(&access.path("")),
        access,
        form,
    };
    form.render(&page)
}

#[derive(Template)]
#[template(path = "staff/account_detail.html")]
struct AccountDetailPage<'a> {
    visit: StaffContext,
    access: &'a AccountAccess,
    form: &'a FilledForm<()>,
}
