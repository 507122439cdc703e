//! Changes to accounts with optimistic locking: a pure step is repeated until no other change interferes.

use jiff::Timestamp;
use uuid::Uuid;

use super::password::PasswordError;
use super::token::Token;
use jornada_domain::staff::{Account, EmailAddress, PlaceScope, Role};
use jornada_store::{Store, StoreError};

/// Attempts to apply a step before [`AccountsError::Contended`] is returned.
const MAX_ATTEMPTS: usize = 8;

/// Why an operation on an account failed.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password could not be hashed or verified.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Every attempt met a concurrent change of the account.
    #[error("cannot update account: it was changed concurrently on every attempt")]
    Contended,
    /// The operating system provided no random bytes.
    #[error("cannot get random bytes")]
    Randomness(#[from] getrandom::Error),
}

/// Applies a step to an account and stores the result. The step may run several times.
///
/// Returns `None`, and stores nothing, if the account does not exist or the step returns `None`.
pub async fn update_account<T>(
    store: &Store,
    id: Uuid,
    mut step: impl FnMut(&mut Account) -> Option<T>,
) -> Result<Option<T>, AccountsError> {
    for _ in 0..MAX_ATTEMPTS {
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

/// Returns the id for a new account of this mail address: the id of its closed account, or a new one. `None` if the
/// address has an open account.
pub async fn find_vacant_id(
    store: &Store,
    mail: &EmailAddress,
) -> Result<Option<Uuid>, StoreError> {
    Ok(match store.account_by_email(mail).await? {
        Some(account) if account.is_open() => None,
        Some(account) => Some(account.id),
        None => Some(Uuid::new_v4()),
    })
}

/// Adds an account under the id from [`find_vacant_id`], or reopens a closed account as if it were new. Returns the
/// token of its password link, or `None` if the address has an open account.
pub async fn add_account(
    store: &Store,
    id: Uuid,
    mail: &EmailAddress,
    role: Role,
    place_scope: &PlaceScope,
    now: Timestamp,
) -> Result<Option<Token>, AccountsError> {
    let link = Token::generate()?;
    let invite = |account: &mut Account| {
        account.assign_role(role, place_scope.clone());
        account.set_password_link(link.hash(), now);
    };
    let mut account = Account::new(id, mail.clone(), now);
    invite(&mut account);
    if store.add_account(&account).await? {
        return Ok(Some(link));
    }
    let Some(known) = store.account_by_email(mail).await? else {
        return Err(AccountsError::Contended);
    };
    let opened = update_account(store, known.id, |account| {
        if account.is_open() {
            return None;
        }
        account.reopen();
        invite(account);
        Some(())
    });
    Ok(opened.await?.map(|()| link))
}

/// Issues a new password link for an open account. With `lost_second`, also disables its second factor and ends its
/// sessions. Returns `None` if there is no such account or it is closed.
pub async fn issue_link(
    store: &Store,
    id: Uuid,
    lost_second: bool,
    now: Timestamp,
) -> Result<Option<Token>, AccountsError> {
    let link = Token::generate()?;
    let invited = update_account(store, id, |account| {
        if !account.is_open() {
            return None;
        }
        if lost_second {
            account.second_factor = None;
            account.end_sessions();
        }
        account.set_password_link(link.hash(), now);
        Some(())
    });
    Ok(invited.await?.map(|()| link))
}

/// Closes an account. Returns false if there is no such account or it is closed already.
pub async fn close_account(store: &Store, id: Uuid, now: Timestamp) -> Result<bool, AccountsError> {
    let closed = update_account(store, id, |account| {
        account.is_open().then(|| account.close(now))
    });
    Ok(closed.await?.is_some())
}

/// Ends every session of an account, on every instance.
pub async fn end_sessions(store: &Store, id: Uuid) -> Result<bool, AccountsError> {
    let ended = update_account(store, id, |account| {
        account.end_sessions();
        Some(())
    });
    Ok(ended.await?.is_some())
}
