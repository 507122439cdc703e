//! Finished reports, in the same folder or bucket as the photos, under a prefix that no campaign can have. They are
//! stored encrypted ([`SealedFile`]) and read as streams that are decrypted in chunks, never as a whole in memory.

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
