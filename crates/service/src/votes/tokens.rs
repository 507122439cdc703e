//! Tokens of programs that vote, remembered for a short time: a look-up in the store for each vote would cost as much as
//! the vote.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::staff::token::Token;
use jornada_domain::staff::Permission;
use jornada_store::{Store, StoreError};

/// Time for which a looked-up token is remembered. A revoked token votes no longer than that.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(10);

/// Maximum number of tokens that are remembered.
const MAX_TOKENS: usize = 1_000;

/// Why a token may not vote.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is unknown, expired or revoked.
    #[error("unknown token")]
    Unknown,
    /// The token has another scope.
    #[error("token without the scope 'votes'")]
    OtherScope,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Hashes of tokens that were looked up: whether they may vote, and until when that is remembered.
#[derive(Debug, Default)]
pub struct VoterTokens(Mutex<HashMap<[u8; 32], (bool, Timestamp)>>);

impl VoterTokens {
    /// Returns whether a remembered token may vote. `None` for a token that must be looked up.
    pub fn check(&self, token: &Token, now: Timestamp) -> Option<Result<(), TokenError>> {
        let (may_vote, until) = self.0.lock().get(&token.hash()).copied()?;
        (now < until).then(|| may_vote.then_some(()).ok_or(TokenError::OtherScope))
    }

    /// Looks a token up in the store, and remembers it if it is known: who invents tokens fills no memory.
    pub async fn look_up(
        &self,
        store: &Store,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let hash = token.hash();
        let found = store.token(&hash).await?;
        let live = found.filter(|token| token.is_live(now));
        let may_vote = live
            .ok_or(TokenError::Unknown)?
            .scopes
            .may(Permission::Vote);
        self.remember(hash, may_vote, now);
        may_vote.then_some(()).ok_or(TokenError::OtherScope)
    }

    fn remember(&self, hash: [u8; 32], may_vote: bool, now: Timestamp) {
        let mut tokens = self.0.lock();
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, (_, until)| now < *until);
        }
        if tokens.len() < MAX_TOKENS {
            tokens.insert(hash, (may_vote, now + REMEMBERED));
        }
    }
}
