//! Pending deletions in MongoDB: in tombstones, or in registrations whose photo was erased.

use jiff::Timestamp;
use mongodb::bson::{Document, RawDocument, RawDocumentBuf, doc};
use mongodb::options::Hint;

use super::PendingPhotoDeletion;
use crate::error::{Result, StoreError};
use crate::mongo::convert;
use crate::mongo::convert::{binary, moment, photo_ref, read_field, registration_id};
use crate::mongo::handle::{MongoStore, collect, primary};
use crate::mongo::indexes::PENDING_DELETIONS;
use crate::photos::buffer::BufferedPhotoKey;
use crate::time_limit::{OPERATION_TIMEOUT, in_time};
use jornada_domain::{CampaignId, RegistrationId};

impl MongoStore {
    pub(crate) async fn pending_deletions(
        &self,
        until: Timestamp,
        limit: u8,
    ) -> Result<Vec<PendingPhotoDeletion>> {
        let until = moment(until);
        let mut filter = pending_filter();
        let by_then = |at: &str| doc! { at: { "$lte": until } };
        filter.insert("$or", vec![by_then("gone.at"), by_then("unremoved.at")]);
        let find = self
            .registrations
            .find(filter)
            .sort(doc! { "gone.at": 1, "_id": 1 })
            .hint(Hint::Name(PENDING_DELETIONS.to_owned()))
            .limit(limit.into());
        let found = collect(OPERATION_TIMEOUT, find).await?;
        let read = |found: &RawDocumentBuf| read_pending_deletion(found);
        found.iter().map(read).collect()
    }

    pub(crate) async fn count_pending_deletions(&self) -> Result<u64> {
        let count = self.registrations.count_documents(pending_filter());
        let count = count.hint(Hint::Name(PENDING_DELETIONS.to_owned()));
        in_time(count.selection_criteria(primary())).await
    }

    pub(crate) async fn mark_deleted(&self, id: RegistrationId) -> Result<()> {
        let mut filter = pending_filter();
        filter.insert("_id", binary(id.as_bytes()));
        let note = doc! { "$unset": { "unremoved": "" } };
        in_time(self.registrations.update_one(filter, note))
            .await
            .map(drop)
    }

    /// Moves the photo from `photo` to `unremoved`, where tombstones have it too, with the time; `photo_erased_at`
    /// remains.
    pub(crate) async fn mark_photo_erased(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool> {
        let with_photo = doc! {
            "_id": binary(id.as_bytes()),
            "campaign": campaign.as_str(),
            "photo": { "$exists": true },
        };
        let noted = doc! { "$mergeObjects": ["$photo", { "at": moment(at) }] };
        let erase = vec![
            doc! { "$set": { "unremoved": noted, "photo_erased_at": moment(at) } },
            doc! { "$unset": "photo" },
        ];
        let erased = self.registrations.update_one(with_photo, erase);
        Ok(in_time(erased).await?.matched_count > 0)
    }

    pub(crate) async fn is_photo_referenced(&self, photo: BufferedPhotoKey) -> Result<bool> {
        let waits = self
            .buffered_photos
            .find_one(doc! { "_id": binary(&photo.to_bytes()) });
        let waits = waits.projection(doc! { "_id": 1 });
        if in_time(waits.selection_criteria(primary()))
            .await?
            .is_some()
        {
            return Ok(true);
        }
        let sha256 = binary(&photo.sha256);
        let own = doc! { "photo.sha256": sha256.clone(), "received_at": moment(photo.received_at) };
        let find = self.registrations.find_one(doc! {
            "_id": binary(photo.id.as_bytes()),
            "$or": [own, doc! { "unremoved.sha256": sha256 }],
        });
        let find = find.projection(doc! { "_id": 1 });
        let found = in_time(find.selection_criteria(primary())).await?;
        Ok(found.is_some())
    }
}

fn pending_filter() -> Document {
    doc! { "unremoved.sha256": { "$exists": true } }
}

fn read_pending_deletion(found: &RawDocument) -> Result<PendingPhotoDeletion> {
    let unremoved = found.get_document("unremoved");
    let unremoved = unremoved.map_err(|_| StoreError::malformed("photo"))?;
    // A registration whose photo was erased is no tombstone.
    let (of, at) = match found.get_document("gone") {
        Ok(gone) => (gone, gone),
        Err(_) => (found, unremoved),
    };
    Ok(PendingPhotoDeletion {
        campaign: read_field(of, "campaign", convert::campaign)?,
        id: read_field(found, "_id", registration_id)?,
        photo: photo_ref(unremoved).ok_or_else(|| StoreError::malformed("photo"))?,
        deleted_at: read_field(at, "at", convert::time)?,
    })
}
