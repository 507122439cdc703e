//! Pending deletions: photos of deleted registrations, and photos past their retention, that are still in the object
//! store.

use jiff::Timestamp;

use super::{Store, StoreError, dispatch};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};

/// A photo that is still to be deleted from the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingDeletion {
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
    ) -> Result<Vec<PendingDeletion>, StoreError> {
        dispatch!("unremoved", self.pending_deletions(until, limit))
    }

    /// Counts the pending deletions of all campaigns.
    pub async fn count_pending_deletions(&self) -> Result<u64, StoreError> {
        dispatch!("count_unremoved", self.count_pending_deletions())
    }

    /// Removes the pending deletion of a photo that is no longer in the object store. Idempotent.
    pub async fn mark_deleted(&self, id: RegistrationId) -> Result<(), StoreError> {
        dispatch!("note_removed", self.mark_deleted(id))
    }
}
