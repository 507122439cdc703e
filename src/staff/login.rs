//! Authenticates logins. An unknown account, a wrong password and a wrong code get the same answer after the same work.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::accounts::change;
use super::keys::Keys;
use super::password::{Password, Passwords};
use super::second::Shared;
use super::token::Token;
use super::{AccountsError, sessions};
use crate::admission::AbuseCounters;
use crate::admission::attempts::login_keys;
use crate::domain::staff::{Account, Mail, Role};
use crate::key::Secret;
use crate::store::Store;

/// Longest prefix of a typed mail address by which attempts are counted, in characters (RFC 5321 allows 254).
const TYPED: usize = 254;

/// Verifies passwords and TOTP codes, and limits the rate of attempts.
#[derive(Debug)]
pub struct Gate {
    /// Hashes and verifies passwords with bounded concurrency.
    pub passwords: Passwords,
    /// Derived keys of the installation.
    pub keys: Keys,
    counters: AbuseCounters,
    /// Whether accounts with the admin role must have a second factor.
    second_for_admins: bool,
}

/// A login attempt.
#[derive(Debug)]
pub struct Attempt {
    /// Mail address as typed.
    pub mail: String,
    /// Password as typed.
    pub password: Password,
    /// TOTP code as typed; empty without a second factor.
    pub code: String,
    /// Address of the client.
    pub from: IpAddr,
}

/// The result of a login attempt.
#[derive(Debug)]
pub enum Login {
    /// The token of a new session, and its account.
    In(Token, Box<Account>),
    /// Mail address, password or code is wrong. Holds the id of the account, if there is one, for the audit log only.
    Refused(Option<Uuid>),
    /// Too many attempts; the next one is accepted after this time.
    Slowed(SignedDuration),
}

/// The result of re-authenticating somebody who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Password and code are correct.
    Right,
    /// The password is wrong.
    WrongPassword,
    /// The code is wrong or not valid now.
    WrongCode,
    /// Too many attempts; the next one is accepted after this time.
    Slowed(SignedDuration),
}

impl Gate {
    /// Creates an authenticator with keys derived from `secret`.
    #[must_use]
    pub fn new(
        secret: &Secret,
        counters: AbuseCounters,
        second_for_admins: bool,
        passwords: Passwords,
    ) -> Self {
        Self {
            passwords,
            keys: Keys::of(secret),
            counters,
            second_for_admins,
        }
    }

    /// Returns whether this account must set up a second factor before it may do anything else.
    #[must_use]
    pub fn lacks_second(&self, account: &Account) -> bool {
        self.needs_second(account) && account.second.is_none()
    }

    /// Returns whether this account must have a second factor.
    #[must_use]
    pub fn needs_second(&self, account: &Account) -> bool {
        self.second_for_admins && account.role == Role::Admin
    }

    /// Authenticates a login attempt and opens a session if it succeeds.
    pub async fn log_in(
        &self,
        store: &Store,
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<Login, AccountsError> {
        let mail = Mail::parse(&attempt.mail);
        let typed: String = attempt.mail.chars().take(TYPED).collect();
        let name = mail.as_ref().map_or(typed.as_str(), Mail::as_str);
        let keys = login_keys(self.keys.throttle(), name, attempt.from);
        if let Err(wait) = self.counters.count_attempt(&keys, now).await {
            return Ok(Login::Slowed(wait));
        }
        let known = match &mail {
            Some(mail) => store.account_of(mail).await?,
            None => None,
        };
        let known = known.filter(Account::is_open);
        let hash = known.as_ref().and_then(|account| account.password.clone());
        let fits = self.passwords.verify(hash, attempt.password).await?;
        let id = known.as_ref().map(|account| account.id);
        let Some(account) = known.filter(|_| fits) else {
            return Ok(Login::Refused(id));
        };
        let Some(account) = self.pass_second(store, account, &attempt.code, now).await? else {
            return Ok(Login::Refused(id));
        };
        self.counters.reset(&keys, now).await;
        let token = sessions::open(store, &account, now).await?;
        Ok(Login::In(token, Box::new(account)))
    }

    /// Verifies the password of the account, and the code if one is given, before a change that someone at an unlocked
    /// screen must not make. Counts as a login attempt. Does not consume the code.
    pub async fn prove(
        &self,
        account: &Account,
        password: Password,
        code: Option<&str>,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Proof, AccountsError> {
        let keys = login_keys(self.keys.throttle(), account.mail.as_str(), from);
        if let Err(wait) = self.counters.count_attempt(&keys, now).await {
            return Ok(Proof::Slowed(wait));
        }
        let kept = account.password.clone();
        if !self.passwords.verify(kept, password).await? {
            return Ok(Proof::WrongPassword);
        }
        if code.is_some_and(|code| !self.use_code(&mut account.clone(), code, now)) {
            return Ok(Proof::WrongCode);
        }
        // Reset only now: someone who knows only the password must not get unlimited attempts at the code.
        self.counters.reset(&keys, now).await;
        Ok(Proof::Right)
    }

    /// Marks a code of the account's second factor as used. Returns false if it is wrong or was used before.
    #[must_use]
    pub fn use_code(&self, account: &mut Account, code: &str, now: Timestamp) -> bool {
        let second = account.second.as_ref();
        let shared = second.and_then(|second| Shared::open(&second.sealed, &self.keys, account.id));
        let step = shared.and_then(|shared| shared.step(code, now));
        step.is_some_and(|step| account.use_step(step))
    }

    /// Consumes the code if the account has a second factor. Of several concurrent logins with one code, one succeeds.
    async fn pass_second(
        &self,
        store: &Store,
        account: Account,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Account>, AccountsError> {
        if account.second.is_none() {
            return Ok(Some(account));
        }
        let passed = change(store, account.id, |latest| {
            // Fails if the password changed since it was verified.
            (latest.is_still(&account) && self.use_code(latest, code, now)).then(|| latest.clone())
        });
        passed.await
    }
}
