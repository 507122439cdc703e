//! Buffers photos while the object store is unavailable, so that people can still register.

pub(crate) mod mongo;
pub(crate) mod sqlite;

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;

use crate::error::{Result, StoreError};
use crate::handle::{Store, dispatch};
use crate::records::{Condition, Fields, InsertableRecord, Query, Record, Table, Value};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_photo::PhotoFormat;

/// Length of what follows the id in a key.
const KEY_REST: usize = 32 + 8;

/// A buffered photo.
#[derive(Clone, PartialEq, Eq)]
pub struct BufferedPhoto {
    /// Campaign of its registration.
    pub campaign: CampaignId,
    /// Its registration, which may not be stored yet.
    pub id: RegistrationId,
    /// When the attempt that stored it was received.
    pub received_at: Timestamp,
    /// Reference to the photo, as the registration stores it.
    pub photo: PhotoRef,
    /// Contents, up to [`MAX_PHOTO_BYTES`](jornada_photo::MAX_PHOTO_BYTES).
    pub bytes: Bytes,
}

/// Key of a buffered photo. Each attempt to register has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BufferedPhotoKey {
    /// Its registration.
    pub id: RegistrationId,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// When the attempt was received, in milliseconds.
    pub received_at: Timestamp,
}

impl BufferedPhotoKey {
    /// Returns the stored key: the id, the digest, the milliseconds since 1970 UTC.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let at = self.received_at.as_millisecond().to_be_bytes();
        [&self.id.as_bytes()[..], &self.sha256, &at].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (sha256, at) = rest.split_first_chunk()?;
        let at = i64::from_be_bytes(at.try_into().ok()?);
        Some(Self {
            id: RegistrationId::from_bytes(*id),
            sha256: *sha256,
            received_at: Timestamp::from_millisecond(at).ok()?,
        })
    }

    fn is_stored(self) -> Condition {
        Condition::is("id", self.to_bytes())
    }
}

/// Size of the buffer, for all campaigns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhotoBufferSize {
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
            received_at: self.received_at,
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

impl Record for BufferedPhoto {
    const TABLE: Table = Table {
        awaits_primary: true,
        ..Table::new("pending_photos", "id")
    };

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let key: Vec<u8> = fields.take("id")?;
        let key = BufferedPhotoKey::from_bytes(&key);
        let key = key.ok_or_else(|| StoreError::malformed("id"))?;
        let bytes: Bytes = fields.take("bytes")?;
        Ok(Self {
            campaign: fields.parse("campaign", CampaignId::parse)?,
            id: key.id,
            received_at: key.received_at,
            photo: PhotoRef {
                sha256: key.sha256,
                format: fields.parse("extension", PhotoFormat::from_extension)?,
                bytes: bytes.len() as u64,
            },
            bytes,
        })
    }
}

impl InsertableRecord for BufferedPhoto {
    fn to_fields(&self) -> Fields {
        Fields::from([
            ("id", self.key().to_bytes().into()),
            ("campaign", self.campaign.as_str().into()),
            ("extension", self.photo.format.extension().into()),
            ("size", (self.bytes.len() as u64).into()),
            ("bytes", Value::Bytes(self.bytes.to_vec())),
        ])
    }
}

impl Store {
    /// Stores a photo in the buffer, as durably as a registration. Idempotent.
    pub async fn buffer_photo(&self, photo: &BufferedPhoto) -> Result<()> {
        // The key contains the digest: what is stored under it is the same photo.
        let insert = self.insert_record(photo);
        self.time("keep_pending", insert).await.map(drop)
    }

    /// Returns the bytes of a buffered photo.
    pub async fn buffered_photo(&self, key: BufferedPhotoKey) -> Result<Option<Bytes>> {
        let query = Query::new([key.is_stored()]);
        let found = self.time("pending_photo", self.find_record::<BufferedPhoto>(query));
        Ok(found.await?.map(|photo| photo.bytes))
    }

    /// Returns up to `limit` buffered photos in order of their keys, from after this one or from the first.
    pub async fn buffered_photos(
        &self,
        after: Option<BufferedPhotoKey>,
        limit: u8,
    ) -> Result<Vec<BufferedPhoto>> {
        let after = after.map(|key| Condition::above("id", key.to_bytes()));
        let conditions: Vec<_> = after.into_iter().collect();
        let query = Query::new(conditions)
            .sort(&[("id", 1)])
            .limit(limit.into());
        self.time("pending_after", self.find_records(query)).await
    }

    /// Removes a buffered photo. Returns true to exactly one caller.
    pub async fn remove_buffered_photo(&self, key: BufferedPhotoKey) -> Result<bool> {
        let delete = self.delete_records::<BufferedPhoto>([key.is_stored()]);
        Ok(self.time("remove_pending", delete).await? > 0)
    }

    /// Removes all buffered photos of a registration, those of other attempts included.
    pub async fn remove_buffered_photos(&self, id: RegistrationId) -> Result<()> {
        let bound = |filler| [&id.as_bytes()[..], &[filler; KEY_REST]].concat();
        let of_registration = [
            Condition::above("id", bound(0)),
            Condition::below("id", bound(u8::MAX)),
        ];
        let delete = self.delete_records::<BufferedPhoto>(of_registration);
        self.time("remove_pending", delete).await.map(drop)
    }

    /// Returns the size of the buffer.
    pub async fn buffer_totals(&self) -> Result<PhotoBufferSize> {
        dispatch!("pending", self.buffer_totals())
    }
}
