//! Pending deletions: photos of deleted registrations, and photos past their retention, that are still in the object
//! store.

use jiff::Timestamp;

use super::{Store, StoreError, ask};
use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};

/// A photo that is still to be deleted from the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unremoved {
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
    pub async fn unremoved(
        &self,
        until: Timestamp,
        most: u8,
    ) -> Result<Vec<Unremoved>, StoreError> {
        ask!("unremoved", self.unremoved(until, most))
    }

    /// Counts the pending deletions of all campaigns.
    pub async fn count_unremoved(&self) -> Result<u64, StoreError> {
        ask!("count_unremoved", self.count_unremoved())
    }

    /// Records that a photo was deleted from the object store, and forgets it. Idempotent.
    pub async fn note_removed(&self, id: RegistrationId) -> Result<(), StoreError> {
        ask!("note_removed", self.note_removed(id))
    }
}
