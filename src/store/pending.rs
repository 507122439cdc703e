//! Photos that wait in the store until the photo store takes them: while that is away registrations go on.

use std::fmt;

use bytes::Bytes;

use super::{Store, StoreError, ask};
use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};

/// A photo that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingPhoto {
    /// The campaign of its registration.
    pub campaign: CampaignId,
    /// Its registration, which need not be kept yet.
    pub id: RegistrationId,
    /// What the registration knows of it.
    pub photo: PhotoRef,
    /// The photo itself; at most [`MAX_PHOTO_BYTES`](crate::photo::MAX_PHOTO_BYTES).
    pub bytes: Bytes,
}

/// Which photo waits: one registration may have been attempted with several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PendingKey {
    /// Of its registration.
    pub id: RegistrationId,
    /// Of its bytes.
    pub sha256: [u8; 32],
}

/// How much waits, in all campaigns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Number of photos.
    pub photos: u64,
    /// Sum of their bytes.
    pub bytes: u64,
}

impl PendingPhoto {
    /// Under which it is found.
    #[must_use]
    pub fn key(&self) -> PendingKey {
        PendingKey {
            id: self.id,
            sha256: self.photo.sha256,
        }
    }
}

/// Without the bytes, which are personal.
impl fmt::Debug for PendingPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingPhoto")
            .field("campaign", &self.campaign)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Keeps a photo, as durably as a registration, until the photo store takes it. Keeping it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; keeping it again is right.
    pub async fn keep_pending(&self, photo: &PendingPhoto) -> Result<(), StoreError> {
        ask!("keep_pending", self.keep_pending(photo))
    }

    /// The bytes of a photo, if it waits here.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pending_photo(&self, key: PendingKey) -> Result<Option<Bytes>, StoreError> {
        ask!("pending_photo", self.pending_photo(key))
    }

    /// At most so many of the photos that wait, in the order of their keys, after this one or from the first on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pending_after(
        &self,
        after: Option<PendingKey>,
        most: u8,
    ) -> Result<Vec<PendingPhoto>, StoreError> {
        ask!("pending_after", self.pending_after(after, most))
    }

    /// Removes a photo that waited; true for the one caller who found it.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be removed.
    pub async fn remove_pending(&self, key: PendingKey) -> Result<bool, StoreError> {
        ask!("remove_pending", self.remove_pending(key))
    }

    /// How much waits.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pending(&self) -> Result<Pending, StoreError> {
        ask!("pending", self.pending())
    }
}
