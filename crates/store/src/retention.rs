//! Deletes what has expired: photos, password links, rejection counts. Also checks whether a photo is still referenced,
//! before it counts as orphaned.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Store, StoreError, dispatch};
use jornada_domain::{CampaignId, RegistrationId};

impl Store {
    /// Removes the photo from a registration and lists it as a pending deletion, see [`Store::pending_deletions`].
    /// Returns false if the registration has no photo. Idempotent.
    pub async fn mark_photo_erased(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        dispatch!("erase_photo", self.mark_photo_erased(campaign, id, at))
    }

    /// Returns whether a photo is referenced by a registration of any campaign, the buffer or a pending deletion.
    pub async fn is_photo_referenced(
        &self,
        id: RegistrationId,
        sha256: &[u8; 32],
    ) -> Result<bool, StoreError> {
        dispatch!("knows_photo", self.is_photo_referenced(id, sha256))
    }

    /// Deletes password links that expired at `now` or earlier. Returns their number.
    pub async fn delete_expired_links(&self, now: Timestamp) -> Result<u64, StoreError> {
        dispatch!("sweep_links", self.delete_expired_links(now))
    }

    /// Deletes the rejection counts of days before this one. Returns the number of deleted records.
    pub async fn delete_expired_rejections(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64, StoreError> {
        dispatch!(
            "sweep_refusals",
            self.delete_expired_rejections(campaign, before)
        )
    }
}
