//! Keys that encrypt the data keys of photos. They are stored encrypted with a master key that is in no store. A
//! change of the master key re-encrypts these few keys and no photo.

use super::{Store, StoreError, dispatch};

/// A key encrypted with a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Id by which photos refer to it.
    pub id: [u8; 8],
    /// Id of the master key.
    pub master_key_id: [u8; 8],
    /// Nonce, encrypted key and tag.
    pub wrapped: Vec<u8>,
}

impl Store {
    /// Inserts a key unless its id exists: of several instances that create it at once, all use the first one's.
    /// Idempotent.
    pub async fn add_wrapped_key(&self, key: &WrappedKey) -> Result<(), StoreError> {
        dispatch!("add_vault_key", self.add_wrapped_key(key))
    }

    /// Returns all keys in order of their ids: one for each master key that was ever the first in the settings.
    pub async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        dispatch!("vault_keys", self.wrapped_keys())
    }

    /// Replaces `old` with the same key encrypted anew. Returns false if `old` is no longer stored. May be repeated.
    pub async fn replace_wrapped_key(
        &self,
        old: &WrappedKey,
        new: &WrappedKey,
    ) -> Result<bool, StoreError> {
        dispatch!("rewrap_vault_key", self.replace_wrapped_key(old, new))
    }
}
