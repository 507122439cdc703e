//! Bearer tokens of programs, under their SHA-256: the token itself is 256 random bits, so that no salt is needed.

use jiff::Timestamp;

use super::{Store, StoreError, ask};
use crate::domain::staff::ApiToken;

/// Most tokens of one list.
pub const MAX_TOKENS: u32 = 1_000;

impl Store {
    /// Keeps a token. Keeping it again changes nothing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn add_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        ask!("add_token", self.add_token(token))
    }

    /// The token with this SHA-256, if it is known, still good or not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        ask!("token", self.token(hash))
    }

    /// The first [`MAX_TOKENS`] tokens, in the order of their names, revoked ones too.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        ask!("tokens", self.tokens())
    }

    /// Revokes a token; false if there is none, or it was revoked before.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be revoked.
    pub async fn revoke_token(&self, hash: &[u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        ask!("revoke_token", self.revoke_token(hash, at))
    }
}
