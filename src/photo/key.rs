//! Under which name a photo is kept. The content is part of the name: a retry writes to the same object, and a
//! stranger's attempt never overwrites anyone's.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{PhotoFormat, PhotosError};
use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};

/// `{campaign}/{id}/{sha256}.{ext}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoKey {
    campaign: CampaignId,
    id: RegistrationId,
    sha256: [u8; 32],
    format: PhotoFormat,
}

impl PhotoKey {
    /// The key of a registration's photo.
    #[must_use]
    pub fn of(campaign: &CampaignId, id: RegistrationId, photo: &PhotoRef) -> Self {
        Self {
            campaign: campaign.clone(),
            id,
            sha256: photo.sha256,
            format: photo.format,
        }
    }

    /// The key of this name; `None` for an object that is no photo.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (campaign, rest) = name.split_once('/')?;
        let (id, file) = rest.split_once('/')?;
        let (sha256, extension) = file.split_once('.')?;
        let sha256 = data_encoding::HEXLOWER.decode(sha256.as_bytes()).ok()?;
        Some(Self {
            campaign: CampaignId::parse(campaign)?,
            id: RegistrationId::parse(id)?,
            sha256: sha256.try_into().ok()?,
            format: PhotoFormat::from_extension(extension)?,
        })
    }

    /// Of which campaign.
    #[must_use]
    pub fn campaign(&self) -> &CampaignId {
        &self.campaign
    }

    /// Of whose photo.
    #[must_use]
    pub fn id(&self) -> RegistrationId {
        self.id
    }

    /// SHA-256 of the photo.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The same bytes, if they are those of this key.
    ///
    /// # Errors
    /// [`PhotosError::Altered`].
    pub(super) fn checked(&self, bytes: Bytes) -> Result<Bytes, PhotosError> {
        if Sha256::digest(&bytes).as_slice() == self.sha256 {
            Ok(bytes)
        } else {
            Err(PhotosError::Altered)
        }
    }
}

impl fmt::Display for PhotoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sha256 = data_encoding::HEXLOWER.encode(&self.sha256);
        write!(
            f,
            "{}/{}/{sha256}.{}",
            self.campaign,
            self.id,
            self.format.extension()
        )
    }
}
