//! The page of a password link, which sets the password of a new account or replaces a forgotten one. A link is valid
//! once and for 48 hours.

use askama::Template;
use axum::extract::{Form, Path};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::context::{PageResult, RequestContext};
use super::cookies::redirect_with_cookies;
use super::request_audit::account_event;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use jornada_domain::staff::Account;
use jornada_domain::staff::audit::AuditAction;
use jornada_service::staff::accounts::update_account;
use jornada_service::staff::password::Password;
use jornada_service::staff::token::Token;

/// The new password, typed twice.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SetPasswordForm {
    new: String,
    again: String,
}

pub(super) async fn show_form(context: RequestContext, Path(link): Path<String>) -> PageResult {
    let account = find_by_link(&context.app, &Token::from_text(&link)).await?;
    Ok(render_form(&context, &account, &FilledForm::default()))
}

pub(super) async fn set_password(
    context: RequestContext,
    Path(link): Path<String>,
    Form(form): Form<SetPasswordForm>,
) -> PageResult {
    let (app, link) = (&context.app, Token::from_text(&link));
    let account = find_by_link(app, &link).await?;
    let password = match Password::validate_new(&form.new, &form.again, &account.email) {
        Ok(password) => password,
        Err(weak) => {
            let form = FilledForm::rejected((), weak.message(context.lang));
            return Ok(render_form(&context, &account, &form));
        }
    };
    let phc = app.authenticator.passwords.hash_password(password).await?;
    let audit = context.audit.for_account(account.id);
    let event = account_event(AuditAction::PasswordSet, account.id);
    audit.record(app, event).await?;
    let used = update_account(&app.store, account.id, |account| {
        let good = account.accepts_link(&link.hash(), Timestamp::now());
        good.then(|| account.set_password(phc.clone()))
    });
    used.await?.ok_or(Error::NoSuchLink)?;
    info!(staff = %account.id, "set a password by a link");
    let login = context.link_with_notice("/staff/login", "password");
    Ok(redirect_with_cookies(&login, None))
}

async fn find_by_link(app: &AppState, link: &Token) -> Result<Account, Error> {
    let hash = link.hash();
    let found = app.store.account_by_link(&hash).await?;
    let invited = found.filter(|account| account.accepts_link(&hash, Timestamp::now()));
    invited.ok_or(Error::NoSuchLink)
}

fn render_form(context: &RequestContext, account: &Account, form: &FilledForm<()>) -> Response {
    let page = PasswordPage {
        visit: context,
        mail: account.email.as_str(),
        form,
    };
    form.render(&page)
}

#[derive(Template)]
#[template(path = "staff/password.html")]
struct PasswordPage<'a> {
    visit: &'a RequestContext,
    mail: &'a str,
    form: &'a FilledForm<()>,
}
