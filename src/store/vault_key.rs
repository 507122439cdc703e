//! The keys under which the data keys of photos are wrapped. Here they lie wrapped themselves, under a master key that
//! is in no store: to change the master key, these few are wrapped anew, and no photo is touched.

use super::{Store, StoreError, ask};

/// A key that is wrapped under another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// By which the photos under it name it.
    pub id: [u8; 8],
    /// The master key under which it is wrapped.
    pub under: [u8; 8],
    /// Nonce, key and tag.
    pub wrapped: Vec<u8>,
}

impl Store {
    /// Keeps a key, unless there is one of this id: of several who make it at once, all use that of the first.
    ///
    /// # Errors
    /// When the store does not answer; keeping it again is right.
    pub async fn add_vault_key(&self, key: &WrappedKey) -> Result<(), StoreError> {
        ask!("add_vault_key", self.add_vault_key(key))
    }

    /// All keys, in the order of their ids: one for each master key that ever was the first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn vault_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        ask!("vault_keys", self.vault_keys())
    }

    /// Puts the same key, wrapped anew, in the place of `old`; false when that is not there any more.
    ///
    /// # Errors
    /// When the store does not answer: it is wrapped in the old or in the new way, and doing it again is right.
    pub async fn rewrap_vault_key(
        &self,
        old: &WrappedKey,
        new: &WrappedKey,
    ) -> Result<bool, StoreError> {
        ask!("rewrap_vault_key", self.rewrap_vault_key(old, new))
    }
}
