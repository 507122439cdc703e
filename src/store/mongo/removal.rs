//! Photos of deleted registrations that are still to be removed, in their tombstones.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::IndexModel;
use mongodb::bson::{DateTime, Document, RawDocument, doc};
use mongodb::error::Result as Driven;
use mongodb::options::{Hint, IndexOptions};

use super::{MongoStore, amended, binary, bounded, document, primary};
use crate::domain::{CampaignId, RegistrationId};
use crate::store::{StoreError, Unremoved, WAIT};

const INDEX: &str = "unremoved";

/// Holds only tombstones whose photo is still there: nothing to a registration.
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
    pub(in crate::store) async fn unremoved(
        &self,
        until: Timestamp,
        most: u8,
    ) -> Result<Vec<Unremoved>, StoreError> {
        let until = DateTime::from_millis(until.as_millisecond());
        let mut filter = unremoved();
        filter.insert("gone.at", doc! { "$lte": until });
        let find = self
            .registrations
            .find(filter)
            .sort(doc! { "gone.at": 1, "_id": 1 })
            .hint(Hint::Name(INDEX.to_owned()))
            .limit(most.into());
        let found = bounded(WAIT, async { find.await?.try_collect::<Vec<_>>().await }).await?;
        found.iter().map(|found| read(found)).collect()
    }

    pub(in crate::store) async fn count_unremoved(&self) -> Result<u64, StoreError> {
        let count = self.registrations.count_documents(unremoved());
        let count = count.hint(Hint::Name(INDEX.to_owned()));
        bounded(WAIT, count.selection_criteria(primary())).await
    }

    pub(in crate::store) async fn note_removed(
        &self,
        id: RegistrationId,
    ) -> Result<(), StoreError> {
        let mut filter = unremoved();
        filter.insert("_id", binary(id.as_bytes()));
        let note = doc! { "$unset": { "unremoved": "" } };
        bounded(WAIT, self.registrations.update_one(filter, note))
            .await
            .map(drop)
    }
}

fn unremoved() -> Document {
    doc! { "unremoved.sha256": { "$exists": true } }
}

fn read(found: &RawDocument) -> Result<Unremoved, StoreError> {
    let gone = found.get_document("gone").ok();
    let campaign = gone.and_then(|gone| gone.get_str("campaign").ok());
    let campaign = campaign.and_then(CampaignId::parse);
    let photo = found.get_document("unremoved").ok();
    let photo = photo.and_then(document::photo_ref);
    Ok(Unremoved {
        campaign: campaign.ok_or_else(|| StoreError::malformed("campaign"))?,
        id: document::part(found, "_id", document::bytes).map(RegistrationId::from_bytes)?,
        photo: photo.ok_or_else(|| StoreError::malformed("photo"))?,
        deleted_at: amended::deletion(found)?.at,
    })
}
