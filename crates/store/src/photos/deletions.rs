//! Pending deletions: photos of deleted registrations, and photos past their retention, that are still in the object
//! store.

pub(crate) mod mongo;
pub(crate) mod sqlite;

use jiff::Timestamp;

use super::buffer::BufferedPhotoKey;
use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};

/// A photo that is still to be deleted from the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingPhotoDeletion {
    /// Campaign of its registration.
    pub campaign: CampaignId,
    /// Its registration, of which only a tombstone may be left.
    pub id: RegistrationId,
    /// Photo.
    pub photo: PhotoRef,
    /// When the registration, or its photo alone, was deleted.
    pub deleted_at: Timestamp,
}

impl Store {
    /// Returns up to `limit` photos whose registration or photo was deleted at `until` or earlier, oldest deletion
    /// first.
    pub async fn pending_deletions(
        &self,
        until: Timestamp,
        limit: u8,
    ) -> Result<Vec<PendingPhotoDeletion>> {
        let find = async {
            let mut pending = dispatch!(self.pending_deletions(until, limit))?;
            pending.extend(self.pending_dispute_photos(until, limit).await?);
            pending.sort_by_key(|one| one.deleted_at);
            pending.truncate(limit.into());
            Ok(pending)
        };
        self.time("unremoved", find).await
    }

    /// Counts the pending deletions of all campaigns.
    pub async fn count_pending_deletions(&self) -> Result<u64> {
        let count = async {
            let disputed = self.count_pending_dispute_photos().await?;
            Ok(disputed + dispatch!(self.count_pending_deletions())?)
        };
        self.time("count_unremoved", count).await
    }

    /// Removes the pending deletion of a photo that is no longer in the object store. Idempotent.
    pub async fn mark_deleted(&self, id: RegistrationId) -> Result<()> {
        let mark = async {
            self.mark_dispute_photo_deleted(id).await?;
            dispatch!(self.mark_deleted(id))
        };
        self.time("note_removed", mark).await
    }

    /// Removes the photo from a registration and lists it as a pending deletion, see [`Store::pending_deletions`].
    /// Returns false if the registration has no photo. Idempotent.
    pub async fn mark_photo_erased(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool> {
        dispatch!("erase_photo", self.mark_photo_erased(campaign, id, at))
    }

    /// Returns whether a photo is referenced by a registration or dispute of any campaign, the buffer or a pending
    /// deletion. A registration refers only to the photo of the attempt that inserted it.
    pub async fn is_photo_referenced(&self, photo: BufferedPhotoKey) -> Result<bool> {
        let find = async {
            let is_registered = async || dispatch!(self.is_photo_referenced(photo));
            // Last again: meanwhile a dispute may have become a registration.
            Ok(is_registered().await?
                || self.is_photo_disputed(photo).await?
                || is_registered().await?)
        };
        self.time("knows_photo", find).await
    }
}
