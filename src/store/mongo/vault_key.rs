//! Encrypted keys of photos in MongoDB.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use super::account::bytes;
use super::{MongoStore, binary, bounded, fault, primary};
use crate::store::vault_key::WrappedKey;
use crate::store::{StoreError, WAIT};

impl MongoStore {
    pub(in crate::store) async fn add_vault_key(&self, key: &WrappedKey) -> Result<(), StoreError> {
        let document = doc! {
            "_id": binary(&key.id),
            "under": binary(&key.under),
            "wrapped": binary(&key.wrapped),
        };
        let added = timeout(WAIT, async { self.vault_keys.insert_one(document).await }).await;
        match added.map_err(|_| StoreError::late())? {
            Err(error) if !fault::is_duplicate(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(in crate::store) async fn vault_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        // An instance that has just created a key, or lost the race to create it, must see the stored one.
        let find = self
            .vault_keys
            .find(doc! {})
            .sort(doc! { "_id": 1 })
            .selection_criteria(primary());
        let found = bounded(WAIT, async { find.await?.try_collect::<Vec<_>>().await }).await?;
        found.iter().map(key).collect()
    }

    pub(in crate::store) async fn rewrap_vault_key(
        &self,
        old: &WrappedKey,
        new: &WrappedKey,
    ) -> Result<bool, StoreError> {
        let as_it_was = doc! { "_id": binary(&old.id), "wrapped": binary(&old.wrapped) };
        let rewrap = doc! { "$set": {
            "under": binary(&new.under),
            "wrapped": binary(&new.wrapped),
        } };
        let rewrapped = bounded(WAIT, self.vault_keys.update_one(as_it_was, rewrap)).await?;
        Ok(rewrapped.matched_count > 0)
    }
}

fn key(document: &Document) -> Result<WrappedKey, StoreError> {
    let malformed = StoreError::malformed;
    let wrapped = document.get_binary_generic("wrapped");
    Ok(WrappedKey {
        id: bytes(document, "_id")?.ok_or_else(|| malformed("_id"))?,
        under: bytes(document, "under")?.ok_or_else(|| malformed("under"))?,
        wrapped: wrapped.map_err(|_| malformed("wrapped"))?.clone(),
    })
}
