//! Where photos are kept: a folder of this machine, or an S3 store. What `put` answered is on stable storage.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::disk::DiskPhotos;
use super::key::PhotoKey;
use super::s3::S3Photos;
use crate::config::PhotosSetting;
use crate::telemetry::metrics::Meter;

const PREPARE: Duration = Duration::from_secs(3);
const TRIAL: Duration = Duration::from_secs(1);

/// Where photos are kept.
#[derive(Clone, Debug)]
pub struct Photos {
    pub(super) backend: Backend,
    pub(super) meter: Meter,
}

#[derive(Clone, Debug)]
pub(super) enum Backend {
    /// A folder.
    Disk(DiskPhotos),
    /// A bucket.
    S3(S3Photos),
}

/// Hands a call to the back end; its time and outcome are noted under the method's name.
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

impl PhotosError {
    /// Nothing was answered within the bound.
    #[must_use]
    pub fn late() -> Self {
        Self::Unavailable("no answer in time".into())
    }

    /// A photo whose format this version does not know.
    #[must_use]
    pub fn unknown_format() -> Self {
        Self::Failed("a format that this version does not know".into())
    }
}

impl Photos {
    /// The store that was set; asks it nothing yet.
    #[must_use]
    pub fn new(setting: &PhotosSetting) -> Self {
        let backend = match setting {
            PhotosSetting::Disk(folder) => Backend::Disk(DiskPhotos::new(folder)),
            PhotosSetting::S3(setting) => Backend::S3(S3Photos::new(setting)),
        };
        Self {
            backend,
            meter: Meter::default(),
        }
    }

    /// The same store, whose operations are timed.
    #[must_use]
    pub fn timed(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Makes the folder or the bucket if it is missing, within three seconds.
    ///
    /// # Errors
    /// [`PhotosError`] when it can be neither found nor made.
    pub async fn prepare(&self) -> Result<(), PhotosError> {
        timeout(PREPARE, async { ask!(self.prepare()) })
            .await
            .unwrap_or_else(|_| Err(PhotosError::late()))
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
        let bytes = ask!(self.get(key))?;
        bytes.map(|bytes| key.checked(bytes)).transpose()
    }

    /// Removes a photo; removing one that is not there is no error.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn remove(&self, key: &PhotoKey) -> Result<(), PhotosError> {
        ask!(self.remove(key))
    }

    /// Puts an object that holds nothing, to learn whether photos would be taken; makes the folder or the bucket if it
    /// is missing. Ends within a second.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn try_put(&self) -> Result<(), PhotosError> {
        timeout(TRIAL, async { ask!(self.try_put()) })
            .await
            .unwrap_or_else(|_| Err(PhotosError::late()))
    }

    /// Asks whether the store answers, within a second.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn ping(&self) -> Result<(), PhotosError> {
        ask!(self.ping())
    }
}
