//! Tokens of programs that vote, remembered for a short time: a look-up in the store for each vote would cost as much as
//! the vote.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::staff::token::Token;
use jornada_domain::staff::Permission;
use jornada_store::{Store, StoreError};

/// Time for which a looked-up token is remembered. A revoked token votes no longer than that while the store answers.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(10);

/// Time for which a looked-up token may vote while the store does not answer, and the queue takes votes.
const REMEMBERED_WITHOUT_STORE: SignedDuration = SignedDuration::from_mins(15);

/// Timeout of looking up a token that may vote without the store.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(1);

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

/// Hashes of tokens that were looked up.
#[derive(Debug, Default)]
pub struct VoterTokens(Mutex<HashMap<[u8; 32], KnownToken>>);

/// A token that was looked up.
#[derive(Clone, Copy, Debug)]
struct KnownToken {
    may_vote: bool,
    looked_up_at: Timestamp,
    /// Until when it is not looked up again.
    fresh_until: Timestamp,
}

impl VoterTokens {
    /// Returns whether a remembered token may vote. `None` for a token that must be looked up.
    pub fn check(&self, token: &Token, now: Timestamp) -> Option<Result<(), TokenError>> {
        let known = self.0.lock().get(&token.hash()).copied()?;
        (now < known.fresh_until).then(|| known.check())
    }

    /// Looks a token up in the store, and remembers it if it is known: who invents tokens fills no memory. While the store
    /// does not answer, a token that was known shortly before may still vote.
    pub async fn look_up(
        &self,
        store: &Store,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let hash = token.hash();
        let known = self.0.lock().get(&hash).copied();
        let known = known.filter(|known| now < known.looked_up_at + REMEMBERED_WITHOUT_STORE);
        let found = match known {
            None => store.token(&hash).await,
            Some(known) => match timeout(LOOK_UP_TIMEOUT, store.token(&hash)).await {
                Ok(answer) if !matches!(answer, Err(StoreError::Unavailable(_))) => answer,
                _ => {
                    self.remember(
                        hash,
                        KnownToken {
                            fresh_until: now + REMEMBERED,
                            ..known
                        },
                    );
                    return known.check();
                }
            },
        };
        let live = found?.filter(|token| token.is_live(now));
        let Some(live) = live else {
            self.0.lock().remove(&hash);
            return Err(TokenError::Unknown);
        };
        let known = KnownToken {
            may_vote: live.scopes.may(Permission::Vote),
            looked_up_at: now,
            fresh_until: now + REMEMBERED,
        };
        self.remember(hash, known);
        known.check()
    }

    fn remember(&self, hash: [u8; 32], known: KnownToken) {
        let mut tokens = self.0.lock();
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, other| {
                known.fresh_until < other.looked_up_at + REMEMBERED_WITHOUT_STORE
            });
        }
        if tokens.len() < MAX_TOKENS || tokens.contains_key(&hash) {
            tokens.insert(hash, known);
        }
    }
}

impl KnownToken {
    fn check(self) -> Result<(), TokenError> {
        self.may_vote.then_some(()).ok_or(TokenError::OtherScope)
    }
}
