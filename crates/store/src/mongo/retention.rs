//! Deletes expired data in MongoDB. An erased photo moves from `photo` to `unremoved`, where tombstones have it too,
//! with the time; `photo_erased_at` remains.

use jiff::Timestamp;
use jiff::civil::Date;
use mongodb::bson::{RawDocument, doc};

use super::account::moment;
use super::{MongoStore, binary, document, primary, with_timeout};
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::history::ErasedPhoto;
use jornada_domain::{CampaignId, RegistrationId};

impl MongoStore {
    pub(crate) async fn mark_photo_erased(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
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
        Ok(with_timeout(OPERATION_TIMEOUT, erased).await?.matched_count > 0)
    }

    pub(crate) async fn is_photo_referenced(
        &self,
        id: RegistrationId,
        sha256: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let pending = [id.as_bytes().as_slice(), sha256].concat();
        let waits = self
            .buffered_photos
            .find_one(doc! { "_id": binary(&pending) });
        let waits = waits.projection(doc! { "_id": 1 });
        if with_timeout(OPERATION_TIMEOUT, waits.selection_criteria(primary()))
            .await?
            .is_some()
        {
            return Ok(true);
        }
        let is_it = |part: &str| doc! { (format!("{part}.sha256")): binary(sha256) };
        let find = self.registrations.find_one(doc! {
            "_id": binary(id.as_bytes()),
            "$or": [is_it("photo"), is_it("unremoved")],
        });
        let find = find.projection(doc! { "_id": 1 });
        let found = with_timeout(OPERATION_TIMEOUT, find.selection_criteria(primary())).await?;
        Ok(found.is_some())
    }

    pub(crate) async fn delete_expired_links(&self, now: Timestamp) -> Result<u64, StoreError> {
        let over = doc! { "link_expires_at": { "$lte": moment(now) } };
        let sweep = doc! {
            "$unset": { "link": "", "link_expires_at": "" },
            "$inc": { "version": 1_i64 },
        };
        let swept = with_timeout(OPERATION_TIMEOUT, self.accounts.update_many(over, sweep)).await?;
        Ok(swept.modified_count)
    }

    pub(crate) async fn delete_expired_rejections(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64, StoreError> {
        let range = doc! { "$gte": format!("{campaign}/"), "$lt": format!("{campaign}/{before}") };
        let swept = self.rejections.delete_many(doc! { "_id": range });
        Ok(with_timeout(OPERATION_TIMEOUT, swept).await?.deleted_count)
    }
}

/// Reads the state of an erased photo.
pub(super) fn read_erased_photo(document: &RawDocument) -> Option<ErasedPhoto> {
    let at = document.get("photo_erased_at").ok()??;
    let unremoved = document.get_document("unremoved").ok();
    Some(ErasedPhoto {
        at: document::time(at)?,
        pending_deletion: unremoved.and_then(document::photo_ref),
    })
}
