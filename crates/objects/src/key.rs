//! Keys of objects. The key of a photo includes its digest and the time of the attempt that stores it: no request can
//! overwrite another photo, and whoever deletes the photo of one attempt never deletes that of a later one.

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;
use tokio::io::AsyncRead;
use uuid::Uuid;

use jornada_domain::job::ReportFormat;
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, Registration, RegistrationId, ReportJob};
use jornada_photo::PhotoFormat;

/// Key of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectKey {
    /// `{campaign}/{id}/{sha256}-{received_at}.{ext}`.
    Photo {
        /// Campaign.
        campaign: CampaignId,
        /// Registration.
        id: RegistrationId,
        /// SHA-256 of the photo.
        sha256: [u8; 32],
        /// When the attempt that stores it was received, in milliseconds.
        received_at: Timestamp,
        /// Format of the photo.
        format: PhotoFormat,
    },
    /// `_reports/{campaign}/{job}/{attempt}.{ext}`. Each attempt has its own key, so none overwrites another's file.
    Report {
        /// Campaign.
        campaign: CampaignId,
        /// Job.
        job: Uuid,
        /// Number of the attempt.
        attempt: u32,
        /// Format of the file.
        format: ReportFormat,
    },
}

impl ObjectKey {
    /// Prefix of all objects.
    pub const ALL: &str = "";
    /// Prefix of all report files; no campaign can have this name.
    pub const REPORTS: &str = "_reports/";

    /// Returns the key of a registration's photo.
    pub fn for_photo(registration: &Registration, photo: &PhotoRef) -> Self {
        Self::Photo {
            campaign: registration.campaign.clone(),
            id: registration.id,
            sha256: photo.sha256,
            received_at: registration.received_at,
            format: photo.format,
        }
    }

    /// Returns the prefix of all photos of a registration, and of its other attempts.
    pub fn photos_prefix(campaign: &CampaignId, id: RegistrationId) -> String {
        format!("{campaign}/{id}/")
    }

    /// Returns the key of the file of one attempt at a job.
    pub fn for_job(job: &ReportJob, attempt: u32) -> Self {
        Self::Report {
            campaign: job.request.campaign.clone(),
            job: job.id,
            attempt,
            format: job.request.format,
        }
    }

    /// Parses an object name. Returns `None` if it is not that of a photo or report file.
    pub fn parse(name: &str) -> Option<Self> {
        let report = name.strip_prefix(Self::REPORTS);
        let (campaign, rest) = report.unwrap_or(name).split_once('/')?;
        let campaign = CampaignId::parse(campaign)?;
        let (owner, file) = rest.split_once('/')?;
        let (stem, extension) = file.split_once('.')?;
        let key = if report.is_some() {
            Self::Report {
                campaign,
                job: Uuid::parse_str(owner).ok()?,
                attempt: stem.parse().ok()?,
                format: extension.parse().ok()?,
            }
        } else {
            let (sha256, received_at) = stem.split_once('-')?;
            let sha256 = data_encoding::HEXLOWER.decode(sha256.as_bytes()).ok()?;
            Self::Photo {
                campaign,
                id: RegistrationId::parse(owner)?,
                sha256: sha256.try_into().ok()?,
                received_at: Timestamp::from_millisecond(received_at.parse().ok()?).ok()?,
                format: PhotoFormat::from_extension(extension)?,
            }
        };
        // Rejects other spellings of the same key.
        (key.to_string() == name).then_some(key)
    }

    /// Returns the campaign.
    pub fn campaign(&self) -> &CampaignId {
        match self {
            Self::Photo { campaign, .. } | Self::Report { campaign, .. } => campaign,
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Photo {
                campaign,
                id,
                sha256,
                received_at,
                format,
            } => {
                let sha256 = data_encoding::HEXLOWER.encode(sha256);
                let (at, format) = (received_at.as_millisecond(), format.extension());
                write!(f, "{campaign}/{id}/{sha256}-{at}.{format}")
            }
            Self::Report {
                campaign,
                job,
                attempt,
                format,
            } => {
                let prefix = Self::REPORTS;
                write!(f, "{prefix}{campaign}/{job}/{attempt}.{format}")
            }
        }
    }
}

/// Reader of a stored object.
pub(super) type ObjectReader = Pin<Box<dyn AsyncRead + Send>>;
