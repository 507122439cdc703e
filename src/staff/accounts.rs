//! How accounts change: a pure step, kept only if nobody else changed the account meanwhile, else decided anew.

use jiff::Timestamp;
use uuid::Uuid;

use super::password::PasswordError;
use super::token::Token;
use crate::domain::staff::{Account, Mail, Reach, Role};
use crate::store::{Store, StoreError};

/// How often a step is decided anew before whoever asked is told to try again.
const TRIES: usize = 8;

/// Why something with accounts could not be done now.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password could not be looked at.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Others changed the account all the time.
    #[error("an account changes all the time")]
    Contended,
    /// The system has no randomness.
    #[error("no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

/// Changes an account by a step, which may be tried several times. `None` if there is no such account or the step
/// declines; then nothing is kept.
///
/// # Errors
/// [`AccountsError::Store`], [`AccountsError::Contended`].
pub async fn change<T>(
    store: &Store,
    id: Uuid,
    mut step: impl FnMut(&mut Account) -> Option<T>,
) -> Result<Option<T>, AccountsError> {
    for _ in 0..TRIES {
        let Some(mut account) = store.account(id).await? else {
            return Ok(None);
        };
        let Some(outcome) = step(&mut account) else {
            return Ok(None);
        };
        if store.replace_account(&account).await? {
            return Ok(Some(outcome));
        }
    }
    Err(AccountsError::Contended)
}

/// The id that an account of this address will have: that of its closed one, or a new one. `None` if it has an open one.
///
/// # Errors
/// When the store does not answer.
pub async fn vacancy(store: &Store, mail: &Mail) -> Result<Option<Uuid>, StoreError> {
    Ok(match store.account_of(mail).await? {
        Some(account) if account.is_open() => None,
        Some(account) => Some(account.id),
        None => Some(Uuid::new_v4()),
    })
}

/// Adds an account under the id of its [`vacancy`], or opens a closed one as if it were new; answers the token of its link.
/// `None` if the address has an open account.
///
/// # Errors
/// [`AccountsError`].
pub async fn add(
    store: &Store,
    id: Uuid,
    mail: &Mail,
    role: Role,
    reach: &Reach,
    now: Timestamp,
) -> Result<Option<Token>, AccountsError> {
    let link = Token::generate()?;
    let invite = |account: &mut Account| {
        account.assign(role, reach.clone());
        account.invite(link.hash(), now);
    };
    let mut account = Account::new(id, mail.clone(), now);
    invite(&mut account);
    if store.add_account(&account).await? {
        return Ok(Some(link));
    }
    let Some(known) = store.account_of(mail).await? else {
        return Err(AccountsError::Contended);
    };
    let opened = change(store, known.id, |account| {
        if account.is_open() {
            return None;
        }
        account.reopen();
        invite(account);
        Some(())
    });
    Ok(opened.await?.map(|()| link))
}

/// Gives an account a new link; with `lost_second` its second factor is off and its sessions end.
///
/// # Errors
/// [`AccountsError`].
pub async fn invite(
    store: &Store,
    id: Uuid,
    lost_second: bool,
    now: Timestamp,
) -> Result<Option<Token>, AccountsError> {
    let link = Token::generate()?;
    let invited = change(store, id, |account| {
        if !account.is_open() {
            return None;
        }
        if lost_second {
            account.second = None;
            account.end_sessions();
        }
        account.invite(link.hash(), now);
        Some(())
    });
    Ok(invited.await?.map(|()| link))
}

/// Closes an account; false if there is none that is open.
///
/// # Errors
/// [`AccountsError`].
pub async fn close(store: &Store, id: Uuid, now: Timestamp) -> Result<bool, AccountsError> {
    let closed = change(store, id, |account| {
        account.is_open().then(|| account.close(now))
    });
    Ok(closed.await?.is_some())
}

/// Ends every session of an account, on every instance.
///
/// # Errors
/// [`AccountsError`].
pub async fn end_sessions(store: &Store, id: Uuid) -> Result<bool, AccountsError> {
    let ended = change(store, id, |account| {
        account.end_sessions();
        Some(())
    });
    Ok(ended.await?.is_some())
}
