//! Finished reports, in the same folder or bucket as the photos, under a name that no campaign can have. They go there
//! sealed ([`SealedFile`]), and come back as streams that are opened chunk by chunk: none is ever whole in memory.

use std::fmt;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::AsyncRead;

use super::keep::ask;
use super::seal::SealedFile;
use super::{Photos, PhotosError};
use crate::domain::Job;
use crate::domain::job::JobFile;

/// `_reports/{campaign}/{job}/{attempt}.{ext}`: an attempt that was given up writes over no other's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileKey(String);

impl FileKey {
    /// The key of the file that this attempt at a job makes.
    #[must_use]
    pub fn of(job: &Job, attempt: u32) -> Self {
        let (campaign, extension) = (&job.wanted.campaign, job.wanted.format.extension());
        Self(format!(
            "_reports/{campaign}/{}/{attempt}.{extension}",
            job.id
        ))
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

    /// Removes a file; removing one that is not there is no error.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn remove_file(&self, key: &FileKey) -> Result<(), PhotosError> {
        ask!(self.remove_file(key))
    }
}
