//! Pending deletions in MongoDB: in tombstones, or in registrations whose photo was erased.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::IndexModel;
use mongodb::bson::{DateTime, Document, RawDocument, doc};
use mongodb::error::Result as Driven;
use mongodb::options::{Hint, IndexOptions};

use super::{MongoStore, binary, document, primary, with_timeout};
use crate::{OPERATION_TIMEOUT, PendingDeletion, StoreError};
use jornada_domain::{CampaignId, RegistrationId};

const INDEX: &str = "unremoved";

/// Creates an index of only the documents with a photo to delete. A registration has no `gone`, so that its first key
/// is null: there are few, and all are scanned.
pub(super) async fn make_index(store: &MongoStore) -> Driven<()> {
    let only = doc! { "unremoved.sha256": { "$exists": true } };
    let options = IndexOptions::builder()
        .name(INDEX.to_owned())
        .partial_filter_expression(only)
        .build();
    let keys = doc! { "gone.at": 1, "_id": 1 };
    let index = IndexModel::builder().keys(keys).options(options).build();
    store.registrations.create_index(index).await.map(drop)
}

impl MongoStore {
    pub(crate) async fn pending_deletions(
        &self,
        until: Timestamp,
        limit: u8,
    ) -> Result<Vec<PendingDeletion>, StoreError> {
        let until = DateTime::from_millis(until.as_millisecond());
        let mut filter = pending_filter();
        let by_then = |at: &str| doc! { at: { "$lte": until } };
        filter.insert("$or", vec![by_then("gone.at"), by_then("unremoved.at")]);
        let find = self
            .registrations
            .find(filter)
            .sort(doc! { "gone.at": 1, "_id": 1 })
            .hint(Hint::Name(INDEX.to_owned()))
            .limit(limit.into());
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found
            .iter()
            .map(|found| read_pending_deletion(found))
            .collect()
    }

    pub(crate) async fn count_pending_deletions(&self) -> Result<u64, StoreError> {
        let count = self.registrations.count_documents(pending_filter());
        let count = count.hint(Hint::Name(INDEX.to_owned()));
        with_timeout(OPERATION_TIMEOUT, count.selection_criteria(primary())).await
    }

    pub(crate) async fn mark_deleted(&self, id: RegistrationId) -> Result<(), StoreError> {
        let mut filter = pending_filter();
        filter.insert("_id", binary(id.as_bytes()));
        let note = doc! { "$unset": { "unremoved": "" } };
        with_timeout(
            OPERATION_TIMEOUT,
            self.registrations.update_one(filter, note),
        )
        .await
        .map(drop)
    }
}

fn pending_filter() -> Document {
    doc! { "unremoved.sha256": { "$exists": true } }
}

fn read_pending_deletion(found: &RawDocument) -> Result<PendingDeletion, StoreError> {
    let unremoved = found.get_document("unremoved").ok();
    let photo = unremoved.and_then(document::photo_ref);
    // A registration whose photo was erased is no tombstone.
    let (of, at) = match found.get_document("gone") {
        Ok(gone) => (gone, Some(gone)),
        Err(_) => (found, unremoved),
    };
    let campaign = of.get_str("campaign").ok().and_then(CampaignId::parse);
    let at = at.ok_or_else(|| StoreError::malformed("photo"))?;
    Ok(PendingDeletion {
        campaign: campaign.ok_or_else(|| StoreError::malformed("campaign"))?,
        id: document::read_field(found, "_id", document::bytes).map(RegistrationId::from_bytes)?,
        photo: photo.ok_or_else(|| StoreError::malformed("photo"))?,
        deleted_at: document::read_field(at, "at", document::time)?,
    })
}
