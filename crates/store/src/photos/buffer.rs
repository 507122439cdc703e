//! Buffers photos while the object store is unavailable, so that people can still register.

pub(crate) mod mongo;
pub(crate) mod sqlite;

use std::fmt;

use bytes::Bytes;

use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};

/// A buffered photo.
#[derive(Clone, PartialEq, Eq)]
pub struct BufferedPhoto {
    /// Campaign of its registration.
    pub campaign: CampaignId,
    /// Its registration, which may not be stored yet.
    pub id: RegistrationId,
    /// Reference to the photo, as the registration stores it.
    pub photo: PhotoRef,
    /// Contents, up to [`MAX_PHOTO_BYTES`](jornada_photo::MAX_PHOTO_BYTES).
    pub bytes: Bytes,
}

/// Key of a buffered photo. A registration that was attempted with several photos has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BufferedPhotoKey {
    /// Its registration.
    pub id: RegistrationId,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Size of the buffer, for all campaigns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferTotals {
    /// Number of photos.
    pub photos: u64,
    /// Sum of their bytes.
    pub bytes: u64,
}

impl BufferedPhoto {
    /// Returns the key.
    pub fn key(&self) -> BufferedPhotoKey {
        BufferedPhotoKey {
            id: self.id,
            sha256: self.photo.sha256,
        }
    }
}

/// Omits the bytes, which are personal data.
impl fmt::Debug for BufferedPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferedPhoto")
            .field("campaign", &self.campaign)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Stores a photo in the buffer, as durably as a registration. Idempotent.
    pub async fn buffer_photo(&self, photo: &BufferedPhoto) -> Result<()> {
        dispatch!("keep_pending", self.buffer_photo(photo))
    }

    /// Returns the bytes of a buffered photo.
    pub async fn buffered_photo(&self, key: BufferedPhotoKey) -> Result<Option<Bytes>> {
        dispatch!("pending_photo", self.buffered_photo(key))
    }

    /// Returns up to `limit` buffered photos in order of their keys, from after this one or from the first.
    pub async fn buffered_photos(
        &self,
        after: Option<BufferedPhotoKey>,
        limit: u8,
    ) -> Result<Vec<BufferedPhoto>> {
        dispatch!("pending_after", self.buffered_photos(after, limit))
    }

    /// Removes a buffered photo. Returns true to exactly one caller.
    pub async fn remove_buffered_photo(&self, key: BufferedPhotoKey) -> Result<bool> {
        dispatch!("remove_pending", self.remove_buffered_photo(key))
    }

    /// Returns the size of the buffer.
    pub async fn buffer_totals(&self) -> Result<BufferTotals> {
        dispatch!("pending", self.buffer_totals())
    }
}
