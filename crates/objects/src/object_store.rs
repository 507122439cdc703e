//! Object store for encrypted photos and reports: a local folder or S3. Whatever `put` confirms is on stable storage.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::disk::DiskBackend;
use super::encryption::{EncryptedPhoto, Encryptor, KeyEncryptionKey, is_encrypted_under};
use super::error::ObjectError;
use super::key::PhotoKey;
use super::s3::S3Backend;
use super::setting::ObjectStoreSetting;
use jornada_runtime::metrics::Meter;

const PREPARE_TIMEOUT: Duration = Duration::from_secs(3);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// Number of listed keys that are buffered.
pub(super) const LIST_BUFFER: usize = 64;

/// Background task of a listing, with its outcome.
pub(super) type ListingTask = JoinHandle<Result<(), ObjectError>>;

/// Object store for photos and reports.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    pub(super) backend: ObjectBackend,
    encryptor: Encryptor,
    pub(super) meter: Meter,
}

#[derive(Clone, Debug)]
pub(super) enum ObjectBackend {
    /// A local folder.
    Disk(DiskBackend),
    /// An S3 bucket.
    S3(S3Backend),
}

/// Calls the back end and measures duration and outcome under the method's name, a label value of the metrics.
macro_rules! dispatch {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time(stringify!($operation), Box::pin(async {
            match &$self.backend {
                $crate::object_store::ObjectBackend::Disk(disk) => disk.$operation($($argument),*).await,
                $crate::object_store::ObjectBackend::S3(s3) => s3.$operation($($argument),*).await,
            }
        })).await
    };
}

pub(super) use dispatch;

impl ObjectStore {
    /// Creates the configured object store. Does not connect yet.
    #[must_use]
    pub fn new(setting: &ObjectStoreSetting, encryptor: Encryptor) -> Self {
        let backend = match setting {
            ObjectStoreSetting::Disk(folder) => ObjectBackend::Disk(DiskBackend::new(folder)),
            ObjectStoreSetting::S3(setting) => ObjectBackend::S3(S3Backend::new(setting)),
        };
        Self {
            backend,
            encryptor,
            meter: Meter::default(),
        }
    }

    /// Returns the same store with a meter for its operations.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Creates the folder or bucket if it is missing, within three seconds.
    pub async fn prepare(&self) -> Result<(), ObjectError> {
        timeout(PREPARE_TIMEOUT, async { dispatch!(self.prepare()) })
            .await
            .unwrap_or_else(|_| Err(ObjectError::timed_out()))
    }

    /// Returns the encryptor of photos and files.
    #[must_use]
    pub fn encryptor(&self) -> &Encryptor {
        &self.encryptor
    }

    /// Stores a photo durably. Storing it again leaves one of the two encrypted versions; both hold the same photo.
    ///
    /// # Errors
    /// After an error the photo may or may not be stored; retrying is safe.
    pub async fn put(&self, key: &PhotoKey, photo: &EncryptedPhoto) -> Result<(), ObjectError> {
        dispatch!(self.put(key, photo))
    }

    /// Reads, decrypts and verifies a photo. Returns `None` if there is none.
    pub async fn get(&self, key: &PhotoKey) -> Result<Option<Bytes>, ObjectError> {
        let Some(stored) = dispatch!(self.get(key))? else {
            return Ok(None);
        };
        self.encryptor.decrypt(key, stored).await.map(Some)
    }

    /// Lists the keys of all photos, in any order, once each, and the outcome of the listing. Photos that are stored
    /// meanwhile may be missing.
    #[must_use]
    pub fn list(&self) -> (Receiver<PhotoKey>, ListingTask) {
        let (sender, keys) = channel(LIST_BUFFER);
        let photos = self.clone();
        let listing = tokio::spawn(async move {
            match photos.backend {
                ObjectBackend::Disk(disk) => disk.list(sender).await,
                ObjectBackend::S3(s3) => s3.list(sender).await,
            }
        });
        (keys, listing)
    }

    /// Returns when a photo was last stored (store clock), or `None` if there is none.
    pub async fn put_at(&self, key: &PhotoKey) -> Result<Option<Timestamp>, ObjectError> {
        dispatch!(self.put_at(key))
    }

    /// Returns whether an object was encrypted for this key under one of these key encryption keys. Reads its header
    /// only.
    pub async fn is_encrypted_under(
        &self,
        keys: &[KeyEncryptionKey],
        key: &PhotoKey,
    ) -> Result<bool, ObjectError> {
        let start = dispatch!(self.start(key))?;
        Ok(start.is_some_and(|start| is_encrypted_under(keys, key, &start)))
    }

    /// Deletes a photo; succeeds if there is none.
    pub async fn remove(&self, key: &PhotoKey) -> Result<(), ObjectError> {
        dispatch!(self.remove(key))
    }

    /// Checks within a second whether the store accepts objects, by writing an empty one. Creates the folder or bucket
    /// if it is missing.
    pub async fn try_put(&self) -> Result<(), ObjectError> {
        timeout(PROBE_TIMEOUT, async { dispatch!(self.try_put()) })
            .await
            .unwrap_or_else(|_| Err(ObjectError::timed_out()))
    }

    /// Checks within a second whether the store answers.
    pub async fn ping(&self) -> Result<(), ObjectError> {
        dispatch!(self.ping())
    }
}
