//! Finished reports, in the same folder or bucket as the photos, under a prefix that no campaign can have. They are
//! stored encrypted ([`SealedFile`]) and read as streams that are decrypted in chunks, never as a whole in memory.

use std::fmt;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use jiff::Timestamp;
use tokio::io::AsyncRead;
use tokio::sync::mpsc::{Receiver, channel};
use uuid::Uuid;

use super::keep::{Backend, LISTED_AHEAD, Listing, ask};
use super::seal::SealedFile;
use super::{Photos, PhotosError};
use crate::domain::job::{Format, JobFile};
use crate::domain::{CampaignId, Job};

/// Prefix of all report files.
pub(super) const FOLDER: &str = "_reports";

/// Key `_reports/{campaign}/{job}/{attempt}.{ext}`. Each attempt has its own key, so none overwrites another's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileKey {
    campaign: CampaignId,
    job: Uuid,
    attempt: u32,
    format: Format,
}

impl FileKey {
    /// Returns the key of the file of one attempt at a job.
    #[must_use]
    pub fn of(job: &Job, attempt: u32) -> Self {
        Self {
            campaign: job.wanted.campaign.clone(),
            job: job.id,
            attempt,
            format: job.wanted.format,
        }
    }

    /// Parses an object name. Returns `None` if it is not that of a report file.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(FOLDER)?.strip_prefix('/')?;
        let (campaign, rest) = rest.split_once('/')?;
        let (job, file) = rest.split_once('/')?;
        let (attempt, extension) = file.split_once('.')?;
        let key = Self {
            campaign: CampaignId::parse(campaign)?,
            job: Uuid::parse_str(job).ok()?,
            attempt: attempt.parse().ok()?,
            format: Format::from_extension(extension)?,
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
        write!(f, "{FOLDER}/{campaign}/{job}/{attempt}.{extension}")
    }
}

/// Reader of a stored object.
pub(super) type Reading = Pin<Box<dyn AsyncRead + Send>>;

impl Photos {
    /// Stores a file durably; overwrites an existing one atomically.
    ///
    /// # Errors
    /// After an error the file may or may not be stored; retrying is safe.
    pub async fn put_file(&self, key: &FileKey, sealed: &SealedFile) -> Result<(), PhotosError> {
        ask!(self.put_file(key, sealed))
    }

    /// Reads a file as a stream of decrypted chunks, or returns `None` if there is none. The stream fails before its
    /// last chunk if the content differs from `known`.
    ///
    /// # Errors
    /// Fails also if the length or the first chunk is wrong.
    pub async fn file(
        &self,
        key: &FileKey,
        known: JobFile,
    ) -> Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + use<>>, PhotosError> {
        match ask!(self.file(key))? {
            None => Ok(None),
            Some(found) => self.seal().open_file(key, found, known).await.map(Some),
        }
    }

    /// Lists the keys of all files with their modification times (store clock), and the outcome of the listing.
    #[must_use]
    pub fn list_files(&self) -> (Receiver<(FileKey, Timestamp)>, Listing) {
        let (sender, files) = channel(LISTED_AHEAD);
        let photos = self.clone();
        let listing = tokio::spawn(async move {
            match photos.backend {
                Backend::Disk(disk) => disk.list_files(sender).await,
                Backend::S3(s3) => s3.list_files(sender).await,
            }
        });
        (files, listing)
    }

    /// Deletes a file; succeeds if there is none.
    pub async fn remove_file(&self, key: &FileKey) -> Result<(), PhotosError> {
        ask!(self.remove_file(key))
    }
}
