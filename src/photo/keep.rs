//! Where photos are kept: a folder of this machine, or an S3 store. What `put` answered is on stable storage.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::disk::DiskPhotos;
use super::key::PhotoKey;
use super::s3::S3Photos;
use crate::config::PhotosSetting;
use crate::telemetry::metrics::Meter;

/// Where photos are kept.
#[derive(Clone, Debug)]
pub struct Photos {
    backend: Backend,
    meter: Meter,
}

#[derive(Clone, Debug)]
enum Backend {
    /// A folder.
    Disk(DiskPhotos),
    /// A bucket.
    S3(S3Photos),
}

/// Hands a call to the back end; its time and outcome are noted under the method's name.
macro_rules! ask {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time(stringify!($operation), async {
            match &$self.backend {
                Backend::Disk(disk) => disk.$operation($($argument),*).await,
                Backend::S3(s3) => s3.$operation($($argument),*).await,
            }
        }).await
    };
}

/// Why a photo store did not do it. Names no key: keys are personal.
#[derive(Debug, thiserror::Error)]
pub enum PhotosError {
    /// It cannot be reached, or did not answer in time: ask again later.
    #[error("the photo store is not available: {0}")]
    Unavailable(String),
    /// It answered something that should not be.
    #[error("the photo store failed: {0}")]
    Failed(String),
    /// What it holds is not what was put there.
    #[error("a photo in the store is not the one that was put there")]
    Altered,
}

impl Photos {
    /// Opens the store that was set; makes the folder or the bucket if it is missing.
    ///
    /// # Errors
    /// [`PhotosError`] when it can be neither found nor made.
    pub async fn open(setting: &PhotosSetting) -> Result<Self, PhotosError> {
        let backend = match setting {
            PhotosSetting::Disk(folder) => Backend::Disk(DiskPhotos::open(folder).await?),
            PhotosSetting::S3(setting) => Backend::S3(S3Photos::open(setting).await?),
        };
        Ok(Self {
            backend,
            meter: Meter::default(),
        })
    }

    /// The same store, whose operations are timed.
    #[must_use]
    pub fn timed(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Keeps a photo durably. Putting the same key again changes nothing.
    ///
    /// # Errors
    /// [`PhotosError`]; the photo may or may not be there, and putting it again is right.
    pub async fn put(&self, key: &PhotoKey, bytes: Bytes) -> Result<(), PhotosError> {
        ask!(self.put(key, bytes))
    }

    /// Reads a photo back, whole and unaltered, or `None` when there is none.
    ///
    /// # Errors
    /// [`PhotosError`], also when the bytes are not those that were put.
    pub async fn get(&self, key: &PhotoKey) -> Result<Option<Bytes>, PhotosError> {
        match ask!(self.get(key))? {
            Some(bytes) if Sha256::digest(&bytes).as_slice() != key.sha256() => {
                Err(PhotosError::Altered)
            }
            bytes => Ok(bytes),
        }
    }

    /// Removes a photo; removing one that is not there is no error.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn remove(&self, key: &PhotoKey) -> Result<(), PhotosError> {
        ask!(self.remove(key))
    }

    /// Asks whether the store answers, within a second.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn ping(&self) -> Result<(), PhotosError> {
        ask!(self.ping())
    }
}
