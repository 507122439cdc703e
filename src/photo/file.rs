//! Finished reports, in the same folder or bucket as the photos, under a name that no campaign can have. They go there
//! sealed ([`SealedFile`]), and come back as streams that are opened chunk by chunk: none is ever whole in memory.

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

/// Under which all files lie.
pub(super) const FOLDER: &str = "_reports";

/// `_reports/{campaign}/{job}/{attempt}.{ext}`: an attempt that was given up writes over no other's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileKey {
    campaign: CampaignId,
    job: Uuid,
    attempt: u32,
    format: Format,
}

impl FileKey {
    /// The key of the file that this attempt at a job makes.
    #[must_use]
    pub fn of(job: &Job, attempt: u32) -> Self {
        Self {
            campaign: job.wanted.campaign.clone(),
            job: job.id,
            attempt,
            format: job.wanted.format,
        }
    }

    /// The key of this name; `None` for an object that is no file.
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
        // Numbers can be written in several ways.
        (key.to_string() == name).then_some(key)
    }

    /// Of which campaign.
    #[must_use]
    pub fn campaign(&self) -> &CampaignId {
        &self.campaign
    }

    /// Of which job.
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

/// A file that is read.
pub(super) type Reading = Pin<Box<dyn AsyncRead + Send>>;

impl Photos {
    /// Keeps a file durably. Putting it again writes over it, whole or not at all.
    ///
    /// # Errors
    /// [`PhotosError`]; the file may or may not be there, and putting it again is right.
    pub async fn put_file(&self, key: &FileKey, sealed: &SealedFile) -> Result<(), PhotosError> {
        ask!(self.put_file(key, sealed))
    }

    /// Reads a file back as a stream that fails before its last bytes if they are not those that were put; `None` when
    /// there is none.
    ///
    /// # Errors
    /// [`PhotosError`], also when its length or its start is not what was put.
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

    /// The keys of all files, each with when it was put by the clock of the store, and how the listing ended.
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

    /// Removes a file; removing one that is not there is no error.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn remove_file(&self, key: &FileKey) -> Result<(), PhotosError> {
        ask!(self.remove_file(key))
    }
}
