//! Under which name a photo is kept. The content is part of the name: a retry writes the same object, and a
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
    /// The key of a registration's photo; `None` for a format that this version does not know.
    #[must_use]
    pub fn of(campaign: &CampaignId, id: RegistrationId, photo: &PhotoRef) -> Option<Self> {
        Some(Self {
            campaign: campaign.clone(),
            id,
            sha256: photo.sha256,
            format: PhotoFormat::from_extension(&photo.extension)?,
        })
    }

    /// The same bytes, if they are those of this key.
    ///
    /// # Errors
    /// [`PhotosError::Altered`].
    pub fn checked(&self, bytes: Bytes) -> Result<Bytes, PhotosError> {
        if Sha256::digest(&bytes).as_slice() == self.sha256 {
            Ok(bytes)
        } else {
            Err(PhotosError::Altered)
        }
    }

    /// SHA-256 of the bytes under this key.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Format of the bytes under this key.
    #[must_use]
    pub fn format(&self) -> PhotoFormat {
        self.format
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
