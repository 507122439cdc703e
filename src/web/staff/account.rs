//! The page of one's own account: password, second factor, sessions.

use askama::Template;
use axum::extract::Form;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tracing::info;

use super::context::{PageResult, StaffContext};
use super::cookies::{Cookie, redirect_with_cookies};
use super::login::{rate_limited, redirect_logged_out};
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::staff::{Account, Permission, Session};
use jornada_service::staff::accounts::{end_sessions, update_account};
use jornada_service::staff::login::ReauthOutcome;
use jornada_service::staff::password::Password;
use jornada_service::staff::sessions;

pub(super) const PAGE: &str = "/staff/account";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ChangePasswordForm {
    current: String,
    new: String,
    again: String,
}

/// A form whose button names a session or token by its hash, in hexadecimal digits.
#[derive(Debug, Deserialize)]
pub(super) struct HashForm {
    #[serde(default, alias = "session", alias = "token")]
    hash: String,
}

impl HashForm {
    pub(super) fn hash(&self) -> Result<[u8; 32], Error> {
        let bytes = data_encoding::HEXLOWER.decode(self.hash.as_bytes()).ok();
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        hash.ok_or(Error::NoSuchPage)
    }
}

pub(super) async fn show_account(context: StaffContext) -> PageResult {
    let notice = context.notice("account");
    render_page(&context, &FilledForm::default().with_notice(notice)).await
}

pub(super) async fn change_password(
    context: StaffContext,
    Form(form): Form<ChangePasswordForm>,
) -> PageResult {
    let (app, account) = (&context.app, context.account()?);
    let password = match Password::validate_new(&form.new, &form.again, &account.email) {
        Ok(password) => password,
        Err(weak) => return render_problem(&context, weak.message(context.lang)).await,
    };
    if let Some(answer) = require_reauth(&context, &form.current, None).await? {
        return Ok(answer);
    }
    let phc = app.authenticator.passwords.hash_password(password).await?;
    context.record_own(AuditAction::PasswordChanged).await?;
    let changed = update_account(&app.store, account.id, |latest| {
        // Fails if the password changed since it was verified.
        latest.is_unchanged_since(account).then(|| {
            latest.set_password(phc.clone());
            latest.clone()
        })
    });
    let changed = changed.await?.ok_or(Error::Unauthorized)?;
    info!(staff = %changed.id, "changed the password; every session ended");
    let token = sessions::start(&app.store, &changed, Timestamp::now()).await?;
    let cookie = Cookie::Session.set(&token, context.is_secure());
    let page = context.link_with_notice(PAGE, "password");
    Ok(redirect_with_cookies(&page, cookie))
}

/// Verifies the password of the account, and the code if one is given. Returns the page with the problem, or `None` if
/// both are correct.
pub(super) async fn require_reauth(
    context: &StaffContext,
    password: &str,
    code: Option<&str>,
) -> Result<Option<Response>, Error> {
    let (account, client) = (context.account()?, context.audit.client_ip());
    let (gate, password) = (&context.app.authenticator, Password::from_input(password));
    let proof = gate.reauthenticate(account, password, code, client, Timestamp::now());
    let wrong = match proof.await? {
        ReauthOutcome::Confirmed => return Ok(None),
        ReauthOutcome::WrongPassword => text!(context.lang, "staff-account-wrong-password"),
        ReauthOutcome::WrongCode => text!(context.lang, "staff-account-wrong-code"),
        ReauthOutcome::RateLimited(wait) => {
            context.audit.record_rate_limited(&context.app).await?;
            let form = rate_limited(context, (), wait);
            return render_page(context, &form).await.map(Some);
        }
    };
    context.record_own(AuditAction::LoginFailed).await?;
    render_problem(context, wrong).await.map(Some)
}

pub(super) async fn end_session(context: StaffContext, Form(form): Form<HashForm>) -> PageResult {
    let (hash, account) = (form.hash()?, context.account()?);
    context.record_own(AuditAction::SessionEnded).await?;
    context.app.store.remove_session(account.id, &hash).await?;
    if is_current(&context, &hash) {
        return Ok(redirect_logged_out(&context, "out"));
    }
    Ok(context.redirect_with_notice(PAGE, "session"))
}

pub(super) async fn end_all_sessions(context: StaffContext) -> PageResult {
    context.record_own(AuditAction::SessionsEnded).await?;
    end_sessions(&context.app.store, context.account()?.id).await?;
    Ok(redirect_logged_out(&context, "everywhere"))
}

/// Returns whether the hash is that of the session of this request.
fn is_current(context: &StaffContext, hash: &[u8; 32]) -> bool {
    let session = context.principal.session();
    session.is_some_and(|own| own.hash == *hash)
}

/// Renders the page with a problem (422).
async fn render_problem(context: &StaffContext, problem: &str) -> PageResult {
    render_page(context, &FilledForm::rejected((), problem)).await
}

async fn render_page(context: &StaffContext, form: &FilledForm<()>) -> PageResult {
    let (app, account, now) = (&context.app, context.account()?, Timestamp::now());
    let mut sessions = app.store.sessions_of(account.id).await?;
    sessions.retain(|session| session.is_live(account, now));
    let page = AccountPage {
        visit: context.with_path(PAGE),
        form,
        account,
        sessions,
        zone: &app.campaigns.default().time_zone,
        requires_second_factor: app.authenticator.requires_second_factor(account),
    };
    Ok(form.render(&page))
}

#[derive(Template)]
#[template(path = "staff/account.html")]
struct AccountPage<'a> {
    visit: StaffContext,
    form: &'a FilledForm<()>,
    account: &'a Account,
    sessions: Vec<Session>,
    zone: &'a TimeZone,
    /// Whether the role requires the second factor, so that it cannot be disabled.
    requires_second_factor: bool,
}

impl AccountPage<'_> {
    fn is_own(&self, session: &Session) -> bool {
        is_current(&self.visit, &session.hash)
    }

    fn hash_hex(session: &Session) -> String {
        data_encoding::HEXLOWER.encode(&session.hash)
    }
}
