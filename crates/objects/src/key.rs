//! Object keys of photos and report files. The key of a photo includes the digest: a retry writes the same object, and
//! no request can overwrite another person's photo.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::io::AsyncRead;
use uuid::Uuid;

use super::ObjectError;
use jornada_domain::job::ReportFormat;
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, Job, RegistrationId};
use jornada_photo::PhotoFormat;

/// Key `{campaign}/{id}/{sha256}.{ext}` of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoKey {
    campaign: CampaignId,
    id: RegistrationId,
    sha256: [u8; 32],
    format: PhotoFormat,
}

impl PhotoKey {
    /// Returns the key of a registration's photo.
    #[must_use]
    pub fn for_photo(campaign: &CampaignId, id: RegistrationId, photo: &PhotoRef) -> Self {
        Self {
            campaign: campaign.clone(),
            id,
            sha256: photo.sha256,
            format: photo.format,
        }
    }

    /// Parses an object name. Returns `None` if it is not that of a photo.
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

    /// Returns the campaign.
    #[must_use]
    pub fn campaign(&self) -> &CampaignId {
        &self.campaign
    }

    /// Returns the id of the registration.
    #[must_use]
    pub fn id(&self) -> RegistrationId {
        self.id
    }

    /// Returns the SHA-256 of the photo.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Verifies that the bytes match the digest in the key, and returns them.
    pub(super) fn verify(&self, bytes: Bytes) -> Result<Bytes, ObjectError> {
        if Sha256::digest(&bytes).as_slice() == self.sha256 {
            Ok(bytes)
        } else {
            Err(ObjectError::Altered)
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

/// Prefix of all report files.
pub(super) const REPORTS_PREFIX: &str = "_reports";

/// Key `_reports/{campaign}/{job}/{attempt}.{ext}`. Each attempt has its own key, so none overwrites another's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileKey {
    campaign: CampaignId,
    job: Uuid,
    attempt: u32,
    format: ReportFormat,
}

impl FileKey {
    /// Returns the key of the file of one attempt at a job.
    #[must_use]
    pub fn for_job(job: &Job, attempt: u32) -> Self {
        Self {
            campaign: job.request.campaign.clone(),
            job: job.id,
            attempt,
            format: job.request.format,
        }
    }

    /// Parses an object name. Returns `None` if it is not that of a report file.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(REPORTS_PREFIX)?.strip_prefix('/')?;
        let (campaign, rest) = rest.split_once('/')?;
        let (job, file) = rest.split_once('/')?;
        let (attempt, extension) = file.split_once('.')?;
        let key = Self {
            campaign: CampaignId::parse(campaign)?,
            job: Uuid::parse_str(job).ok()?,
            attempt: attempt.parse().ok()?,
            format: ReportFormat::from_extension(extension)?,
        };
        // Rejects other spellings of the same numbers.
        (key.to_string() == name).then_some(key)
    }

    /// Returns the campaign.
    #[must_use]
    pub fn campaign(&self) -> &CampaignId {
        &self.campaign
    }

    /// Returns the id of the job.
    #[must_use]
    pub fn job(&self) -> Uuid {
        self.job
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (campaign, job, attempt) = (&self.campaign, self.job, self.attempt);
        let extension = self.format.extension();
        write!(f, "{REPORTS_PREFIX}/{campaign}/{job}/{attempt}.{extension}")
    }
}

/// Reader of a stored object.
pub(super) type ObjectReader = Pin<Box<dyn AsyncRead + Send>>;
