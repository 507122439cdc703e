//! Sessions: opened at a login under a new token, looked up at every request on whichever instance it comes to.

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::AccountsError;
use super::token::Token;
use crate::domain::staff::session::IDLE;
use crate::domain::staff::{Account, Session};
use crate::store::{Store, StoreError};

/// Clocks of instances may differ by so much.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// Opens a session. Whatever token the browser had before is no part of it (session fixation).
///
/// # Errors
/// [`AccountsError::Store`], [`AccountsError::Randomness`].
pub async fn open(
    store: &Store,
    account: &Account,
    now: Timestamp,
) -> Result<Token, AccountsError> {
    let token = Token::generate()?;
    let session = Session {
        hash: token.hash(),
        account: account.id,
        epoch: account.epoch,
        created_at: now,
        seen_at: now,
    };
    store.add_session(&session).await?;
    // Logins are few: those that are over go on the way.
    if let Err(error) = store.sweep_sessions(now - IDLE - SLACK).await {
        warn!("sessions that are over stay in the store: {error}");
    }
    Ok(token)
}

/// The session of a token with its account, if it is still good; notes the request.
///
/// # Errors
/// When the store does not answer.
pub async fn find(
    store: &Store,
    token: &Token,
    now: Timestamp,
) -> Result<Option<(Account, Session)>, StoreError> {
    let Some(session) = store.session(&token.hash()).await? else {
        return Ok(None);
    };
    let account = store.account(session.account).await?;
    let live = account.filter(|account| session.is_live(account, now));
    if live.is_some()
        && session.is_due(now)
        // Reading may go on while nothing can be written.
        && let Err(error) = store.note_session(&session.hash, now).await
    {
        warn!("a session grows idle: {error}");
    }
    Ok(live.map(|account| (account, session)))
}
