//! Finished reports, in the same folder or bucket as the photos, under a prefix that no campaign can have. They are
//! stored encrypted ([`EncryptedFile`]) and read as streams that are decrypted in chunks, never as a whole in memory.

use std::io;

use bytes::Bytes;
use futures_util::Stream;
use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};

use super::encryption::EncryptedFile;
use super::key::FileKey;
use super::object_store::{LIST_BUFFER, ListingTask, ObjectBackend, dispatch};
use super::{ObjectError, ObjectStore};
use jornada_domain::job::ReportFile;

impl ObjectStore {
    /// Stores a file durably; overwrites an existing one atomically.
    ///
    /// # Errors
    /// After an error the file may or may not be stored; retrying is safe.
    pub async fn put_file(
        &self,
        key: &FileKey,
        encrypted: &EncryptedFile,
    ) -> Result<(), ObjectError> {
        dispatch!(self.put_file(key, encrypted))
    }

    /// Reads a file as a stream of decrypted chunks, or returns `None` if there is none. The stream fails before its
    /// last chunk if the content differs from `known`.
    ///
    /// # Errors
    /// Fails also if the length or the first chunk is wrong.
    pub async fn file(
        &self,
        key: &FileKey,
        known: ReportFile,
    ) -> Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + use<>>, ObjectError> {
        match dispatch!(self.file(key))? {
            None => Ok(None),
            Some(found) => self
                .encryptor()
                .decrypt_file(key, found, known)
                .await
                .map(Some),
        }
    }

    /// Lists the keys of all files with their modification times (store clock), and the outcome of the listing.
    #[must_use]
    pub fn list_files(&self) -> (Receiver<(FileKey, Timestamp)>, ListingTask) {
        let (sender, files) = channel(LIST_BUFFER);
        let photos = self.clone();
        let listing = tokio::spawn(async move {
            match photos.backend {
                ObjectBackend::Disk(disk) => disk.list_files(sender).await,
                ObjectBackend::S3(s3) => s3.list_files(sender).await,
            }
        });
        (files, listing)
    }

    /// Deletes a file; succeeds if there is none.
    pub async fn remove_file(&self, key: &FileKey) -> Result<(), ObjectError> {
        dispatch!(self.remove_file(key))
    }
}
