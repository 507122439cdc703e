//! API tokens, stored as SHA-256. A token is 256 random bits, so no salt is needed.

use jiff::Timestamp;

use super::{Store, StoreError, dispatch};
use jornada_domain::staff::ApiToken;

/// Maximum number of tokens in a list.
pub const MAX_TOKENS: u32 = 1_000;

impl Store {
    /// Inserts a token. Idempotent.
    pub async fn add_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        dispatch!("add_token", self.add_token(token))
    }

    /// Returns the token with this SHA-256, valid or not.
    pub async fn token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        dispatch!("token", self.read_token(hash))
    }

    /// Returns the first [`MAX_TOKENS`] tokens by name, including revoked ones.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        dispatch!("tokens", self.tokens())
    }

    /// Revokes a token. Returns false if there is none or it was revoked before.
    pub async fn revoke_token(&self, hash: &[u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        dispatch!("revoke_token", self.revoke_token(hash, at))
    }
}
