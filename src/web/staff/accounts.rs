//! The list of accounts, and the form that adds one. For admins.

use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use strum::VariantArray;
use tracing::info;

use super::context::{PageResult, StaffContext};
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::staff::{Account, EmailAddress, Permission, PlaceScope, Role, audit};
use jornada_http::page::render;
use jornada_service::staff::accounts::{add_account, find_vacant_id};
use jornada_service::staff::place_scope::{self, PlaceScopeError, UnknownPlace};
use jornada_service::staff::token::Token;

const PAGE: &str = "/staff/accounts";

/// The form that adds an account or changes its role and places.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AccountForm {
    mail: String,
    role: String,
    /// One place per line.
    places: String,
}

/// Address, role and places of an account.
type ParsedAccount = (EmailAddress, Role, PlaceScope);

/// Why a form was not parsed.
#[derive(Debug)]
pub(super) enum FormError {
    /// A value is invalid; with the text for the user.
    Invalid(String),
    /// A dependency failed.
    Failed(Error),
}

impl From<&str> for FormError {
    fn from(text: &str) -> Self {
        Self::Invalid(text.to_owned())
    }
}

impl FormError {
    /// Returns the text for the user, or the error of the request.
    pub(super) fn into_text(self) -> Result<String, Error> {
        match self {
            Self::Invalid(text) => Ok(text),
            Self::Failed(error) => Err(error),
        }
    }
}

impl AccountForm {
    /// Parses all fields. The error is the text for the user.
    async fn parse(&self, context: &StaffContext) -> Result<ParsedAccount, FormError> {
        let wrong = || text!(context.lang, "staff-accounts-check-address");
        let mail = EmailAddress::parse(&self.mail).ok_or_else(wrong)?;
        let (role, places) = self.parse_role(context).await?;
        Ok((mail, role, places))
    }

    /// Parses role and places. The error is the text for the user.
    pub(super) async fn parse_role(
        &self,
        context: &StaffContext,
    ) -> Result<(Role, PlaceScope), FormError> {
        let wrong = |_| text!(context.lang, "staff-accounts-choose-role");
        let role = self.role.parse().map_err(wrong)?;
        Ok((role, parse_places(context, &self.places).await?))
    }
}

/// Parses places, one per line. The error is the text for the user.
pub(super) async fn parse_places(
    context: &StaffContext,
    text: &str,
) -> Result<PlaceScope, FormError> {
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let (app, lang) = (&context.app, context.lang);
    match place_scope::parse(&app.store, &app.campaigns, &lines).await {
        Ok(places) => Ok(places),
        Err(PlaceScopeError::Store(error)) => Err(FormError::Failed(error.into())),
        Err(PlaceScopeError::Unknown(UnknownPlace { name, nearest })) if nearest.is_empty() => {
            let text = text!(lang, "staff-accounts-place-unknown", name = name);
            Err(FormError::Invalid(text))
        }
        Err(PlaceScopeError::Unknown(UnknownPlace { name, nearest })) => {
            let names = nearest.join(", ");
            let text = text!(
                lang,
                "staff-accounts-place-similar",
                name = name,
                names = names
            );
            Err(FormError::Invalid(text))
        }
    }
}

pub(super) async fn list_accounts(context: StaffContext) -> PageResult {
    render_page(&context, FilledForm::default()).await
}

pub(super) async fn create_account(
    context: StaffContext,
    Form(form): Form<AccountForm>,
) -> PageResult {
    let (mail, role, places) = match form.parse(&context).await {
        Ok(read) => read,
        Err(error) => {
            let form = FilledForm::rejected(form, error.into_text()?);
            return render_page(&context, form).await;
        }
    };
    let store = &context.app.store;
    let added = match find_vacant_id(store, &mail).await? {
        Some(id) => {
            let event = audit::role_assigned(AuditAction::AccountAdded, id, role, &places);
            context.record(event).await?;
            add_account(store, id, &mail, role, &places, Timestamp::now()).await?
        }
        None => None,
    };
    let Some(link) = added else {
        let known = text!(context.lang, "staff-accounts-already-there");
        let form = FilledForm::rejected(form, known).with_status(StatusCode::CONFLICT);
        return render_page(&context, form).await;
    };
    info!(
        staff = context.principal.log_name(),
        role = <&str>::from(role),
        "added an account"
    );
    Ok(render_link(&context, &mail, &link))
}

/// Renders the page that shows a new password link, once.
pub(super) fn render_link(context: &StaffContext, mail: &EmailAddress, link: &Token) -> Response {
    let page = LinkPage {
        visit: context.with_path(PAGE),
        mail: mail.as_str(),
        address: password_link_url(&context.base_url(), link),
    };
    render(StatusCode::OK, &page)
}

/// Returns the URL of a password link.
pub fn password_link_url(base: &str, link: &Token) -> String {
    format!("{base}/staff/password/{}", link.expose())
}

async fn render_page(context: &StaffContext, form: FilledForm<AccountForm>) -> PageResult {
    let page = AccountsPage {
        visit: context,
        accounts: context.app.store.accounts().await?,
        form: &form,
    };
    Ok(form.render(&page))
}

#[derive(Template)]
#[template(path = "staff/accounts.html")]
struct AccountsPage<'a> {
    visit: &'a StaffContext,
    accounts: Vec<Account>,
    form: &'a FilledForm<AccountForm>,
}

impl AccountsPage<'_> {
    fn state(&self, account: &Account) -> &'static str {
        let lang = self.visit.lang;
        match (account.is_open(), &account.password) {
            (false, _) => text!(lang, "staff-closed"),
            (true, None) => text!(lang, "staff-accounts-invited"),
            (true, Some(_)) => text!(lang, "staff-accounts-active"),
        }
    }

    fn address(&self, account: &Account) -> String {
        self.visit.link(&format!("{PAGE}/{}", account.id))
    }
}

#[derive(Template)]
#[template(path = "staff/link.html")]
struct LinkPage<'a> {
    visit: StaffContext,
    mail: &'a str,
    address: String,
}
