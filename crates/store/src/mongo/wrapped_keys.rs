//! Encrypted keys of photos in MongoDB.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use super::account::bytes;
use super::{MongoStore, binary, driver_error, primary, with_timeout};
use crate::wrapped_keys::WrappedKey;
use crate::{OPERATION_TIMEOUT, StoreError};

impl MongoStore {
    pub(crate) async fn add_wrapped_key(&self, key: &WrappedKey) -> Result<(), StoreError> {
        let document = doc! {
            "_id": binary(&key.id),
            "under": binary(&key.master_key_id),
            "wrapped": binary(&key.wrapped),
        };
        let added = timeout(OPERATION_TIMEOUT, async {
            self.wrapped_keys.insert_one(document).await
        })
        .await;
        match added.map_err(|_| StoreError::timed_out())? {
            Err(error) if !driver_error::is_duplicate(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(crate) async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        // An instance that has just created a key, or lost the race to create it, must see the stored one.
        let find = self
            .wrapped_keys
            .find(doc! {})
            .sort(doc! { "_id": 1 })
            .selection_criteria(primary());
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found.iter().map(read_key).collect()
    }

    pub(crate) async fn replace_wrapped_key(
        &self,
        old: &WrappedKey,
        new: &WrappedKey,
    ) -> Result<bool, StoreError> {
        let as_it_was = doc! { "_id": binary(&old.id), "wrapped": binary(&old.wrapped) };
        let rewrap = doc! { "$set": {
            "under": binary(&new.master_key_id),
            "wrapped": binary(&new.wrapped),
        } };
        let rewrapped = with_timeout(
            OPERATION_TIMEOUT,
            self.wrapped_keys.update_one(as_it_was, rewrap),
        )
        .await?;
        Ok(rewrapped.matched_count > 0)
    }
}

fn read_key(document: &Document) -> Result<WrappedKey, StoreError> {
    let malformed = StoreError::malformed;
    let wrapped = document.get_binary_generic("wrapped");
    Ok(WrappedKey {
        id: bytes(document, "_id")?.ok_or_else(|| malformed("_id"))?,
        master_key_id: bytes(document, "under")?.ok_or_else(|| malformed("under"))?,
        wrapped: wrapped.map_err(|_| malformed("wrapped"))?.clone(),
    })
}
