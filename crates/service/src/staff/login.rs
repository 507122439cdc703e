//! Authenticates logins. An unknown account, a wrong password and a wrong code get the same answer after the same work.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::accounts::update_account;
use super::keys::StaffKeys;
use super::password::{Password, Passwords};
use super::token::Token;
use super::totp::TotpSecret;
use super::{AccountsError, sessions};
use crate::admission::AbuseCounters;
use crate::admission::attempts::login_keys;
use crate::key::InstallationSecret;
use jornada_domain::staff::{Account, EmailAddress, Role};
use jornada_store::Store;

/// Longest prefix of a typed mail address by which attempts are counted, in characters (RFC 5321 allows 254).
const MAX_COUNTED_CHARS: usize = 254;

/// Verifies passwords and TOTP codes, and limits the rate of attempts.
#[derive(Debug)]
pub struct Authenticator {
    /// Hashes and verifies passwords with bounded concurrency.
    pub passwords: Passwords,
    /// Derived keys of the installation.
    pub keys: StaffKeys,
    counters: AbuseCounters,
    /// Whether accounts with the admin role must have a second factor.
    admins_need_second_factor: bool,
}

/// A login attempt.
#[derive(Debug)]
pub struct LoginAttempt {
    /// Mail address as typed.
    pub email: String,
    /// Password as typed.
    pub password: Password,
    /// TOTP code as typed; empty without a second factor.
    pub code: String,
    /// Address of the client.
    pub client_ip: IpAddr,
}

/// The result of a login attempt.
#[derive(Debug)]
pub enum LoginOutcome {
    /// The token of a new session, and its account.
    Authenticated(Token, Box<Account>),
    /// Mail address, password or code is wrong. Holds the id of the account, if there is one, for the audit log only.
    Refused(Option<Uuid>),
    /// Too many attempts; the next one is accepted after this time.
    RateLimited(SignedDuration),
}

/// The result of re-authenticating somebody who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReauthOutcome {
    /// Password and code are correct.
    Confirmed,
    /// The password is wrong.
    WrongPassword,
    /// The code is wrong or not valid now.
    WrongCode,
    /// Too many attempts; the next one is accepted after this time.
    RateLimited(SignedDuration),
}

impl Authenticator {
    /// Creates an authenticator with keys derived from `secret`.
    pub fn new(
        secret: &InstallationSecret,
        counters: AbuseCounters,
        admins_need_second_factor: bool,
        passwords: Passwords,
    ) -> Self {
        Self {
            passwords,
            keys: StaffKeys::derive(secret),
            counters,
            admins_need_second_factor,
        }
    }

    /// Returns whether this account must set up a second factor before it may do anything else.
    pub fn lacks_second_factor(&self, account: &Account) -> bool {
        self.requires_second_factor(account) && account.second_factor.is_none()
    }

    /// Returns whether this account must have a second factor.
    pub fn requires_second_factor(&self, account: &Account) -> bool {
        self.admins_need_second_factor && account.role == Role::Admin
    }

    /// Authenticates a login attempt and opens a session if it succeeds.
    pub async fn log_in(
        &self,
        store: &Store,
        attempt: LoginAttempt,
        now: Timestamp,
    ) -> Result<LoginOutcome, AccountsError> {
        let mail = EmailAddress::parse(&attempt.email);
        let truncated: String = attempt.email.chars().take(MAX_COUNTED_CHARS).collect();
        let name = mail
            .as_ref()
            .map_or(truncated.as_str(), EmailAddress::as_str);
        let keys = login_keys(&self.keys.throttle, name, attempt.client_ip);
        if let Err(wait) = self.counters.count_attempt(&keys, now).await {
            return Ok(LoginOutcome::RateLimited(wait));
        }
        let known = match &mail {
            Some(mail) => store.account_by_email(mail).await?,
            None => None,
        };
        let known = known.filter(Account::is_open);
        let hash = known.as_ref().and_then(|account| account.password.clone());
        let fits = self.passwords.verify(hash, attempt.password).await?;
        let id = known.as_ref().map(|account| account.id);
        let Some(account) = known.filter(|_| fits) else {
            return Ok(LoginOutcome::Refused(id));
        };
        let Some(account) = self
            .check_second_factor(store, account, &attempt.code, now)
            .await?
        else {
            return Ok(LoginOutcome::Refused(id));
        };
        self.counters.reset(&keys, now).await;
        let token = sessions::start(store, &account, now).await?;
        Ok(LoginOutcome::Authenticated(token, Box::new(account)))
    }

    /// Verifies the password of the account, and the code if one is given, before a change that someone at an unlocked
    /// screen must not make. Counts as a login attempt. Does not consume the code.
    pub async fn reauthenticate(
        &self,
        account: &Account,
        password: Password,
        code: Option<&str>,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<ReauthOutcome, AccountsError> {
        let keys = login_keys(&self.keys.throttle, account.email.as_str(), from);
        if let Err(wait) = self.counters.count_attempt(&keys, now).await {
            return Ok(ReauthOutcome::RateLimited(wait));
        }
        let stored_hash = account.password.clone();
        if !self.passwords.verify(stored_hash, password).await? {
            return Ok(ReauthOutcome::WrongPassword);
        }
        if code.is_some_and(|code| !self.consume_code(&mut account.clone(), code, now)) {
            return Ok(ReauthOutcome::WrongCode);
        }
        // Reset only now: someone who knows only the password must not get unlimited attempts at the code.
        self.counters.reset(&keys, now).await;
        Ok(ReauthOutcome::Confirmed)
    }

    /// Marks a code of the account's second factor as used. Returns false if it is wrong or was used before.
    #[must_use]
    pub fn consume_code(&self, account: &mut Account, code: &str, now: Timestamp) -> bool {
        let second = account.second_factor.as_ref();
        let shared = second.and_then(|second| {
            TotpSecret::decrypt(&second.encrypted_secret, &self.keys, account.id)
        });
        let step = shared.and_then(|shared| shared.find_step(code, now));
        step.is_some_and(|step| account.consume_step(step))
    }

    /// Consumes the code if the account has a second factor. Of several concurrent logins with one code, one succeeds.
    async fn check_second_factor(
        &self,
        store: &Store,
        account: Account,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Account>, AccountsError> {
        if account.second_factor.is_none() {
            return Ok(Some(account));
        }
        let passed = update_account(store, account.id, |latest| {
            // Fails if the password changed since it was verified.
            (latest.is_unchanged_since(&account) && self.consume_code(latest, code, now))
                .then(|| latest.clone())
        });
        passed.await
    }
}
