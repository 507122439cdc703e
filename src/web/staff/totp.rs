//! The pages that enable and disable the second factor of one's own account. A new secret is not stored: it travels in
//! the form, encrypted, until a code proves that the app has it.

use askama::Template;
use axum::extract::Form;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::account::{self, require_reauth};
use super::context::{PageResult, StaffContext};
use crate::web::error::{Error, Malformed};
use crate::web::filled_form::FilledForm;
use crate::web::qr::Qr;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::staff::{Account, Permission, SecondFactor};
use jornada_service::staff::accounts::update_account;
use jornada_service::staff::totp::TotpSecret;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TotpForm {
    password: String,
    code: String,
    sealed: String,
}

pub(super) async fn show_setup(context: StaffContext) -> PageResult {
    render_page(&context, &TotpSecret::generate()?, &FilledForm::default())
}

pub(super) async fn switch_on(context: StaffContext, Form(form): Form<TotpForm>) -> PageResult {
    let (keys, account) = (&context.app.authenticator.keys, context.account()?);
    let sealed = BASE64URL_NOPAD.decode(form.sealed.as_bytes());
    let sealed = sealed.map_err(|_| Error::Malformed(Malformed::SecondFactorForm))?;
    let shared = TotpSecret::decrypt(&sealed, keys, account.id);
    let shared = shared.ok_or(Error::Malformed(Malformed::SecondFactorForm))?;
    let Some(used_step) = shared.find_step(&form.code, Timestamp::now()) else {
        let wrong = text!(context.lang, "staff-totp-wrong-code");
        return render_page(&context, &shared, &FilledForm::rejected((), wrong));
    };
    if let Some(answer) = require_reauth(&context, &form.password, None).await? {
        return Ok(answer);
    }
    let factor = SecondFactor {
        encrypted_secret: sealed,
        last_used_step: used_step,
    };
    let enable = |latest: &mut Account| {
        let is_off = latest.second_factor.is_none();
        is_off.then(|| latest.second_factor = Some(factor.clone()))
    };
    change_factor(&context, AuditAction::SecondFactorEnabled, enable).await?;
    info!(staff = %account.id, "enabled the second factor");
    Ok(context.redirect_with_notice(account::PAGE, "second"))
}

pub(super) async fn switch_off(context: StaffContext, Form(form): Form<TotpForm>) -> PageResult {
    let (gate, now) = (&context.app.authenticator, Timestamp::now());
    let account = context.account()?;
    if gate.requires_second_factor(account) {
        return Err(Error::Forbidden);
    }
    if let Some(answer) = require_reauth(&context, &form.password, Some(&form.code)).await? {
        return Ok(answer);
    }
    let disable = |latest: &mut Account| {
        let is_valid = gate.consume_code(latest, &form.code, now);
        is_valid.then(|| latest.second_factor = None)
    };
    change_factor(&context, AuditAction::SecondFactorDisabled, disable).await?;
    info!(staff = %account.id, "disabled the second factor");
    Ok(context.redirect_with_notice(account::PAGE, "second-off"))
}

/// Changes the second factor, after writing the audit entry. Fails if the account changed since it was verified.
async fn change_factor(
    context: &StaffContext,
    action: AuditAction,
    mut change: impl FnMut(&mut Account) -> Option<()>,
) -> Result<(), Error> {
    let account = context.account()?;
    context.record_own(action).await?;
    let changed = update_account(&context.app.store, account.id, |latest| {
        let is_same = latest.is_unchanged_since(account);
        is_same.then(|| change(latest)).flatten()
    });
    changed.await?.ok_or(Error::InvalidCsrfToken)
}

fn render_page(context: &StaffContext, shared: &TotpSecret, form: &FilledForm<()>) -> PageResult {
    let (gate, account) = (&context.app.authenticator, context.account()?);
    let page = TotpPage {
        visit: context,
        form,
        is_on: account.second_factor.is_some(),
        is_needed: gate.lacks_second_factor(account),
        qr: Qr::encode(&shared.to_uri(&account.email))
            .map_err(|error| Error::Internal(error.into()))?,
        secret: group_by_four(&shared.to_base32()),
        sealed: BASE64URL_NOPAD.encode(&shared.encrypt(&gate.keys, account.id)?),
    };
    Ok(form.render(&page))
}

/// Splits a text into groups of four characters, for copying by hand.
fn group_by_four(text: &str) -> String {
    let fours = text.as_bytes().chunks(4).map(String::from_utf8_lossy);
    fours.collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "staff/totp.html")]
struct TotpPage<'a> {
    visit: &'a StaffContext,
    form: &'a FilledForm<()>,
    is_on: bool,
    is_needed: bool,
    qr: Qr,
    secret: String,
    sealed: String,
}
