//! Photos of registrations that were deleted, or that go on without, still to be removed from where photos are kept.

use jiff::Timestamp;

use super::{Store, StoreError, ask};
use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};

/// A photo that no registration has any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unremoved {
    /// The campaign of its registration.
    pub campaign: CampaignId,
    /// Its registration, of which only a tombstone may be left.
    pub id: RegistrationId,
    /// Which photo.
    pub photo: PhotoRef,
    /// When the registration was deleted, or this photo of it.
    pub deleted_at: Timestamp,
}

impl Store {
    /// At most so many photos of registrations that were deleted until then, the oldest deletion first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unremoved(
        &self,
        until: Timestamp,
        most: u8,
    ) -> Result<Vec<Unremoved>, StoreError> {
        ask!("unremoved", self.unremoved(until, most))
    }

    /// How many photos of deleted registrations are still to be removed, in all campaigns.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count_unremoved(&self) -> Result<u64, StoreError> {
        ask!("count_unremoved", self.count_unremoved())
    }

    /// Notes that the photo of a deleted registration is gone: nothing is known of it any more.
    ///
    /// # Errors
    /// When the store does not answer: noting it again is right.
    pub async fn note_removed(&self, id: RegistrationId) -> Result<(), StoreError> {
        ask!("note_removed", self.note_removed(id))
    }
}
