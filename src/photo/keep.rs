//! Where photos are kept, sealed: a folder of this machine, or an S3 store. What `put` answered is on stable storage.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::disk::DiskPhotos;
use super::key::PhotoKey;
use super::s3::S3Photos;
use super::seal::{KeyId, Seal, Sealed, VaultKey, is_sealed_under};
use crate::config::PhotosSetting;
use crate::telemetry::metrics::Meter;

const PREPARE: Duration = Duration::from_secs(3);
const TRIAL: Duration = Duration::from_secs(1);
/// Keys that a listing holds until they are asked for.
pub(super) const LISTED_AHEAD: usize = 64;

/// How a listing ends.
pub(super) type Listing = JoinHandle<Result<(), PhotosError>>;

/// Where photos are kept.
#[derive(Clone, Debug)]
pub struct Photos {
    pub(super) backend: Backend,
    seal: Seal,
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
    /// It was sealed under a key that is not known here; whether it is as it was, nobody can tell without.
    #[error(
        "an object in the photo store is sealed under key {0}, which is not known here: see JORNADA_PHOTO_KEY"
    )]
    UnknownKey(KeyId),
    /// What it holds is not what was put there.
    #[error("an object in the photo store is not the one that was put there")]
    Altered,
}

impl PhotosError {
    /// Nothing was answered within the bound.
    #[must_use]
    pub fn late() -> Self {
        Self::Unavailable("no answer in time".into())
    }
}

impl Photos {
    /// The store that was set, under a seal; asks it nothing yet.
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

    /// What seals and opens photos and files.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Keeps a photo durably. Putting it again, sealed anew, leaves one of the two there, which is the same photo.
    ///
    /// # Errors
    /// [`PhotosError`]; the photo may or may not be there, and putting it again is right.
    pub async fn put(&self, key: &PhotoKey, photo: &Sealed) -> Result<(), PhotosError> {
        ask!(self.put(key, photo))
    }

    /// Reads a photo back, whole and unaltered, or `None` when there is none.
    ///
    /// # Errors
    /// [`PhotosError`], also when it is not the photo that was put.
    pub async fn get(&self, key: &PhotoKey) -> Result<Option<Bytes>, PhotosError> {
        let Some(kept) = ask!(self.get(key))? else {
            return Ok(None);
        };
        self.seal.open(key, kept).await.map(Some)
    }

    /// The keys of all photos, in any order, once each, and how the listing ended. What is put meanwhile may be
    /// missing.
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

    /// When a photo was last put, by the clock of the store; `None` when there is none.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn put_at(&self, key: &PhotoKey) -> Result<Option<Timestamp>, PhotosError> {
        ask!(self.put_at(key))
    }

    /// Whether what lies there was sealed under one of these vault keys for this place; reads its first bytes alone.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn is_sealed_under(
        &self,
        keys: &[VaultKey],
        key: &PhotoKey,
    ) -> Result<bool, PhotosError> {
        let start = ask!(self.start(key))?;
        Ok(start.is_some_and(|start| is_sealed_under(keys, key, &start)))
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
