//! Buffers photos while the object store is unavailable, so that people can still register.

use std::fmt;

use bytes::Bytes;

use super::{Store, StoreError, ask};
use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};

/// A buffered photo.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingPhoto {
    /// Campaign of its registration.
    pub campaign: CampaignId,
    /// Its registration, which may not be stored yet.
    pub id: RegistrationId,
    /// What the registration stores of it.
    pub photo: PhotoRef,
    /// Contents, up to [`MAX_PHOTO_BYTES`](crate::photo::MAX_PHOTO_BYTES).
    pub bytes: Bytes,
}

/// Key of a buffered photo. A registration that was attempted with several photos has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PendingKey {
    /// Its registration.
    pub id: RegistrationId,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Size of the buffer, for all campaigns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Number of photos.
    pub photos: u64,
    /// Sum of their bytes.
    pub bytes: u64,
}

impl PendingPhoto {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> PendingKey {
        PendingKey {
            id: self.id,
            sha256: self.photo.sha256,
        }
    }
}

/// Omits the bytes, which are personal data.
impl fmt::Debug for PendingPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferedPhoto")
            .field("campaign", &self.campaign)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Stores a photo in the buffer, as durably as a registration. Idempotent.
    pub async fn keep_pending(&self, photo: &PendingPhoto) -> Result<(), StoreError> {
        ask!("keep_pending", self.keep_pending(photo))
    }

    /// Returns the bytes of a buffered photo.
    pub async fn pending_photo(&self, key: PendingKey) -> Result<Option<Bytes>, StoreError> {
        ask!("pending_photo", self.pending_photo(key))
    }

    /// Returns up to `limit` buffered photos in order of their keys, from after this one or from the first.
    pub async fn pending_after(
        &self,
        after: Option<PendingKey>,
        most: u8,
    ) -> Result<Vec<PendingPhoto>, StoreError> {
        ask!("pending_after", self.pending_after(after, most))
    }

    /// Removes a buffered photo. Returns true to exactly one caller.
    pub async fn remove_pending(&self, key: PendingKey) -> Result<bool, StoreError> {
        ask!("remove_pending", self.remove_pending(key))
    }

    /// Returns the size of the buffer.
    pub async fn pending(&self) -> Result<Pending, StoreError> {
        ask!("pending", self.pending())
    }
}
