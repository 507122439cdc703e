//! Finished reports, in the same folder or bucket as the photos, under a name that no campaign can have. They go there
//! sealed ([`SealedFile`]), and come back as streams that are opened chunk by chunk: none is ever whole in memory.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};

use super::keep::{Backend, LISTED_AHEAD, Listing, ask};
use super::key::FileKey;
use super::seal::SealedFile;
use super::{Photos, PhotosError};
use crate::domain::job::JobFile;

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
