//! Sessions: started at a login under a new token, looked up at every request on any instance.

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::AccountsError;
use super::token::Token;
use jornada_domain::staff::session::IDLE_TIMEOUT;
use jornada_domain::staff::{Account, Session};
use jornada_store::{Store, StoreError};

/// Largest expected difference between the clocks of instances.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Starts a session under a new token. Never reuses a token of the browser (session fixation). Also deletes expired
/// sessions.
pub async fn start(
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
    if let Err(error) = store
        .delete_expired_sessions(now - IDLE_TIMEOUT - MAX_CLOCK_SKEW)
        .await
    {
        warn!("cannot delete expired sessions, retrying at the next login: {error}");
    }
    Ok(token)
}

/// Finds the live session of a token, with its account, and updates its last-seen time.
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
        && session.needs_touch(now)
        // A store that cannot write must not end the session.
        && let Err(error) = store.touch_session(&session.hash, now).await
    {
        warn!("cannot update last-seen time of a session: {error}");
    }
    Ok(live.map(|account| (account, session)))
}
