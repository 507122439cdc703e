//! Where photos are kept: a folder of this machine, or an S3 store. What `put` answered is on stable storage.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::disk::DiskPhotos;
use super::key::PhotoKey;
use super::s3::S3Photos;
use crate::config::PhotosSetting;

const PREPARE: Duration = Duration::from_secs(3);
const TRIAL: Duration = Duration::from_secs(1);

/// Where photos are kept.
#[derive(Clone, Debug)]
pub enum Photos {
    /// A folder.
    Disk(DiskPhotos),
    /// A bucket.
    S3(S3Photos),
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
        match setting {
            PhotosSetting::Disk(folder) => Self::Disk(DiskPhotos::new(folder)),
            PhotosSetting::S3(setting) => Self::S3(S3Photos::new(setting)),
        }
    }

    /// Makes the folder or the bucket if it is missing, within three seconds.
    ///
    /// # Errors
    /// [`PhotosError`] when it can be neither found nor made.
    pub async fn prepare(&self) -> Result<(), PhotosError> {
        let prepared = async {
            match self {
                Self::Disk(disk) => disk.prepare().await,
                Self::S3(s3) => s3.prepare().await,
            }
        };
        timeout(PREPARE, prepared)
            .await
            .unwrap_or_else(|_| Err(PhotosError::late()))
    }

    /// Keeps a photo durably. Putting the same key again changes nothing.
    ///
    /// # Errors
    /// [`PhotosError`]; the photo may or may not be there, and putting it again is right.
    pub async fn put(&self, key: &PhotoKey, bytes: Bytes) -> Result<(), PhotosError> {
        match self {
            Self::Disk(disk) => disk.put(key, bytes).await,
            Self::S3(s3) => s3.put(key, bytes).await,
        }
    }

    /// Reads a photo back, whole and unaltered, or `None` when there is none.
    ///
    /// # Errors
    /// [`PhotosError`], also when the bytes are not those that were put.
    pub async fn get(&self, key: &PhotoKey) -> Result<Option<Bytes>, PhotosError> {
        let bytes = match self {
            Self::Disk(disk) => disk.get(key).await?,
            Self::S3(s3) => s3.get(key).await?,
        };
        bytes.map(|bytes| key.checked(bytes)).transpose()
    }

    /// Removes a photo; removing one that is not there is no error.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn remove(&self, key: &PhotoKey) -> Result<(), PhotosError> {
        match self {
            Self::Disk(disk) => disk.remove(key).await,
            Self::S3(s3) => s3.remove(key).await,
        }
    }

    /// Puts an object that holds nothing, to learn whether photos would be taken; makes the folder or the bucket if it
    /// is missing. Ends within a second.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn try_put(&self) -> Result<(), PhotosError> {
        let tried = async {
            match self {
                Self::Disk(disk) => disk.prepare().await,
                Self::S3(s3) => s3.try_put().await,
            }
        };
        timeout(TRIAL, tried)
            .await
            .unwrap_or_else(|_| Err(PhotosError::late()))
    }

    /// Asks whether the store answers, within a second.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn ping(&self) -> Result<(), PhotosError> {
        match self {
            Self::Disk(disk) => disk.ping().await,
            Self::S3(s3) => s3.ping().await,
        }
    }
}
