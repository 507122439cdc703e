//! Logging in. An unknown account, a wrong password and a wrong code are one answer, after the same work.

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
use crate::config::Secret;
use crate::domain::staff::{Account, Mail, Role};
use crate::store::Store;

/// Longest address that is counted as it was typed, in characters.
const TYPED: usize = 254;

/// What every login and every change of a password needs.
#[derive(Debug)]
pub struct Gate {
    /// Passwords, a bounded number at once.
    pub passwords: Passwords,
    /// Keys of the installation.
    pub keys: Keys,
    counters: AbuseCounters,
    /// Whether admins must have a second factor.
    second_for_admins: bool,
}

/// What somebody sent to log in.
#[derive(Debug)]
pub struct Attempt {
    /// The address as it was typed.
    pub mail: String,
    /// The password.
    pub password: Password,
    /// The code, or nothing.
    pub code: String,
    /// The client.
    pub from: IpAddr,
}

/// What comes of it.
#[derive(Debug)]
pub enum Login {
    /// A new session of this account.
    In(Token, Box<Account>),
    /// Address, password or code is wrong: which one, nobody is told; the record names the account, if it is one.
    Refused(Option<Uuid>),
    /// Too many attempts: none before this time has passed.
    Slowed(SignedDuration),
}

/// Whether somebody who is logged in proves that it is them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// They do.
    Right,
    /// The password is not theirs.
    WrongPassword,
    /// The code is not right now.
    WrongCode,
    /// Too many attempts: none before this time has passed.
    Slowed(SignedDuration),
}

impl Gate {
    /// Puts the parts together.
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

    /// Whether this account must set up a second factor before anything else.
    #[must_use]
    pub fn lacks_second(&self, account: &Account) -> bool {
        self.needs_second(account) && account.second.is_none()
    }

    /// Whether this account may not go without a second factor.
    #[must_use]
    pub fn needs_second(&self, account: &Account) -> bool {
        self.second_for_admins && account.role == Role::Admin
    }

    /// Logs somebody in, or not.
    ///
    /// # Errors
    /// When it could not be found out.
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

    /// Whether the password is the account's own, and the code if one is asked for, for changes that a borrowed screen
    /// must not make. Counted as a login. The code is not used up.
    ///
    /// # Errors
    /// When it could not be found out.
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
        // Not before: whoever has the password alone shall not get to try one code after another.
        self.counters.reset(&keys, now).await;
        Ok(Proof::Right)
    }

    /// Uses a code of the account's second factor up; false if it is wrong or was used before.
    #[must_use]
    pub fn use_code(&self, account: &mut Account, code: &str, now: Timestamp) -> bool {
        let second = account.second.as_ref();
        let shared = second.and_then(|second| Shared::open(&second.sealed, &self.keys, account.id));
        let step = shared.and_then(|shared| shared.step(code, now));
        step.is_some_and(|step| account.use_step(step))
    }

    /// Uses the code up, where the account asks for one. Of several who send the same code at once, one passes.
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
            // The password that was looked at is that of this account.
            (latest.is_still(&account) && self.use_code(latest, code, now)).then(|| latest.clone())
        });
        passed.await
    }
}
