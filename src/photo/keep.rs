//! Object store for encrypted photos and reports: a local folder or S3. Whatever `put` confirms is on stable storage.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::disk::DiskPhotos;
use super::error::PhotosError;
use super::key::PhotoKey;
use super::s3::S3Photos;
use super::seal::{Seal, Sealed, VaultKey, is_sealed_under};
use super::setting::PhotosSetting;
use crate::telemetry::metrics::Meter;

const PREPARE: Duration = Duration::from_secs(3);
const TRIAL: Duration = Duration::from_secs(1);
/// Number of listed keys that are buffered.
pub(super) const LISTED_AHEAD: usize = 64;

/// Background task of a listing, with its outcome.
pub(super) type Listing = JoinHandle<Result<(), PhotosError>>;

/// Object store for photos and reports.
#[derive(Clone, Debug)]
pub struct Photos {
    pub(super) backend: Backend,
    seal: Seal,
    pub(super) meter: Meter,
}

#[derive(Clone, Debug)]
pub(super) enum Backend {
    /// A local folder.
    Disk(DiskPhotos),
    /// An S3 bucket.
    S3(S3Photos),
}

/// Calls the back end and measures duration and outcome under the method's name, a label value of the metrics.
macro_rules! ask {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time(stringify!($operation), Box::pin(async {
            match &$self.backend {
                $crate::photo::keep::Backend::Disk(disk) => disk.$operation($($argument),*).await,
                $crate::photo::keep::Backend::S3(s3) => s3.$operation($($argument),*).await,
            }
        })).await
    };
}

pub(super) use ask;

impl Photos {
    /// Creates the configured object store. Does not connect yet.
    #[must_use]
    pub fn new(setting: &PhotosSetting, seal: Seal) -> Self {
        let backend = match setting {
            PhotosSetting::Disk(folder) => Backend::Disk(DiskPhotos::new(folder)),
            PhotosSetting::S3(setting) => Backend::S3(S3Photos::new(setting)),
        };
        Self {
            backend,
            seal,
            meter: Meter::default(),
        }
    }

    /// Returns the same store with a meter for its operations.
    #[must_use]
    pub fn timed(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Creates the folder or bucket if it is missing, within three seconds.
    pub async fn prepare(&self) -> Result<(), PhotosError> {
        timeout(PREPARE, async { ask!(self.prepare()) })
            .await
            .unwrap_or_else(|_| Err(PhotosError::late()))
    }

    /// Returns the encryptor of photos and files.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Stores a photo durably. Storing it again leaves one of the two encrypted versions; both hold the same photo.
    ///
    /// # Errors
    /// After an error the photo may or may not be stored; retrying is safe.
    pub async fn put(&self, key: &PhotoKey, photo: &Sealed) -> Result<(), PhotosError> {
        ask!(self.put(key, photo))
    }

    /// Reads, decrypts and verifies a photo. Returns `None` if there is none.
    pub async fn get(&self, key: &PhotoKey) -> Result<Option<Bytes>, PhotosError> {
        let Some(kept) = ask!(self.get(key))? else {
            return Ok(None);
        };
        self.seal.open(key, kept).await.map(Some)
    }

    /// Lists the keys of all photos, in any order, once each, and the outcome of the listing. Photos that are stored
    /// meanwhile may be missing.
    #[must_use]
    pub fn list(&self) -> (Receiver<PhotoKey>, Listing) {
        let (sender, keys) = channel(LISTED_AHEAD);
        let photos = self.clone();
        let listing = tokio::spawn(async move {
            match photos.backend {
                Backend::Disk(disk) => disk.list(sender).await,
                Backend::S3(s3) => s3.list(sender).await,
            }
        });
        (keys, listing)
    }

    /// Returns when a photo was last stored (store clock), or `None` if there is none.
    pub async fn put_at(&self, key: &PhotoKey) -> Result<Option<Timestamp>, PhotosError> {
        ask!(self.put_at(key))
    }

    /// Returns whether an object was encrypted for this key under one of these key encryption keys. Reads its header
    /// only.
    pub async fn is_sealed_under(
        &self,
        keys: &[VaultKey],
        key: &PhotoKey,
    ) -> Result<bool, PhotosError> {
        let start = ask!(self.start(key))?;
        Ok(start.is_some_and(|start| is_sealed_under(keys, key, &start)))
    }

    /// Deletes a photo; succeeds if there is none.
    pub async fn remove(&self, key: &PhotoKey) -> Result<(), PhotosError> {
        ask!(self.remove(key))
    }

    /// Checks within a second whether the store accepts objects, by writing an empty one. Creates the folder or bucket
    /// if it is missing.
    pub async fn try_put(&self) -> Result<(), PhotosError> {
        timeout(TRIAL, async { ask!(self.try_put()) })
            .await
            .unwrap_or_else(|_| Err(PhotosError::late()))
    }

    /// Checks within a second whether the store answers.
    pub async fn ping(&self) -> Result<(), PhotosError> {
        ask!(self.ping())
    }
}
