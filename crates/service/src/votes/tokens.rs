//! Tokens of programs that vote, remembered for a short time: a look-up in the store for each vote would cost as much as
//! the vote.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::staff::token::Token;
use jornada_domain::staff::{ApiToken, Permission};
use jornada_store::{Store, StoreError};

/// Time for which a looked-up token is remembered. A revoked token votes no longer than that.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(10);

/// Maximum number of tokens that are remembered.
const MAX_TOKENS: usize = 1_000;

/// Why a token may not vote.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Unknown, expired or revoked.
    #[error("unknown token")]
    Unknown,
    /// Of another scope.
    #[error("token without the scope 'votes'")]
    OtherScope,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tokens that were looked up.
#[derive(Debug, Default)]
pub struct VoterTokens(Mutex<HashMap<[u8; 32], (Verdict, Timestamp)>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    May,
    OtherScope,
    Unknown,
}

impl Verdict {
    fn of(token: Option<ApiToken>, now: Timestamp) -> Self {
        match token.filter(|token| token.is_live(now)) {
            None => Self::Unknown,
            Some(token) if token.scopes.may(Permission::Vote) => Self::May,
            Some(_) => Self::OtherScope,
        }
    }
}

impl VoterTokens {
    /// Checks that a token may vote.
    pub async fn check(
        &self,
        store: &Store,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let hash = token.hash();
        let known = self.0.lock().get(&hash).copied();
        let verdict = match known {
            Some((verdict, until)) if now < until => verdict,
            _ => {
                let verdict = Verdict::of(store.token(&hash).await?, now);
                self.remember(hash, verdict, now);
                verdict
            }
        };
        match verdict {
            Verdict::May => Ok(()),
            Verdict::OtherScope => Err(TokenError::OtherScope),
            Verdict::Unknown => Err(TokenError::Unknown),
        }
    }

    fn remember(&self, hash: [u8; 32], verdict: Verdict, now: Timestamp) {
        let mut tokens = self.0.lock();
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, (_, until)| now < *until);
        }
        if tokens.len() < MAX_TOKENS {
            tokens.insert(hash, (verdict, now + REMEMBERED));
        }
    }
}
