//! Stores photos in the object store or, while that is unavailable, in the database (buffer). Both hold them encrypted.
//! After a failure requests skip the object store until a background probe succeeds, so that only the first ones wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::timeout;
use tracing::{info, warn};

use super::vault::Vault;
use crate::domain::job::JobFile;
use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};
use crate::photo::seal::{Sealed, VaultKey};
use crate::photo::{FileKey, PhotoKey, Photos, PhotosError};
use crate::store::{PendingKey, PendingPhoto, Store, StoreError};
use crate::telemetry::metrics::PendingMetrics;

/// Timeout of a request to the object store, which normally takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// Photos of registrations, in the object store or buffered. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PhotoKeeper {
    photos: Photos,
    vault: Vault,
    store: Store,
    /// Limit of buffered bytes: they share the database's disk with registrations.
    most_pending: u64,
    state: Arc<State>,
    metrics: PendingMetrics,
}

#[derive(Debug, Default)]
struct State {
    away: AtomicBool,
    pending_bytes: AtomicU64,
}

/// A photo that could be neither stored nor read.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The database failed.
    #[error("cannot access a buffered photo")]
    Store(#[from] StoreError),
    /// The object store failed.
    #[error("cannot access a photo")]
    Photos(#[from] PhotosError),
    /// The object store is unavailable and the buffer is full.
    #[error("JORNADA_PENDING_PHOTOS: object store unavailable and photo buffer full")]
    Full,
}

impl PhotoKeeper {
    /// Creates the bucket or folder if missing. Succeeds while the object store is unavailable.
    ///
    /// # Errors
    /// [`PhotosError::Failed`] if the object store answers but cannot be used.
    pub async fn open(
        photos: Photos,
        vault: Vault,
        store: Store,
        most_pending: u64,
        metrics: PendingMetrics,
    ) -> Result<Self, PhotosError> {
        let keeper = Self {
            photos,
            vault,
            store,
            most_pending,
            state: Arc::default(),
            metrics,
        };
        match keeper.photos.prepare().await {
            Err(error @ PhotosError::Unavailable(_)) => keeper.note_away(&error),
            prepared => prepared?,
        }
        Ok(keeper)
    }

    /// Encrypts a photo and stores it durably, in the object store or in the buffer. Idempotent.
    pub async fn keep(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        photo: &PhotoRef,
        bytes: Bytes,
    ) -> Result<(), KeeperError> {
        let Some(key) = PhotoKey::of(campaign, id, photo) else {
            return Err(PhotosError::unknown_format().into());
        };
        let sealed = self.photos.seal().seal(&key, bytes).await?;
        if !self.is_away() {
            match patiently(self.photos.put(&key, &sealed)).await {
                Ok(()) => return Ok(()),
                Err(error) => self.note_away(&error),
            }
        }
        self.let_wait(PendingPhoto {
            campaign: campaign.clone(),
            id,
            photo: photo.clone(),
            bytes: sealed.bytes().clone(),
        })
        .await
    }

    async fn let_wait(&self, photo: PendingPhoto) -> Result<(), KeeperError> {
        // The count is up to a second old: a few photos beyond the limit do no harm.
        if self.state.pending_bytes.load(Ordering::Relaxed) >= self.most_pending {
            return Err(KeeperError::Full);
        }
        self.store.keep_pending(&photo).await?;
        Ok(())
    }

    /// Reads, authenticates and decrypts a photo; `None` if it does not exist.
    pub async fn get(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        photo: &PhotoRef,
    ) -> Result<Option<Bytes>, KeeperError> {
        let Some(key) = PhotoKey::of(campaign, id, photo) else {
            return Ok(None);
        };
        match self.read(&key, pending_key(id, photo)).await {
            // Another instance may have created the key since this one started.
            Err(KeeperError::Photos(PhotosError::UnknownKey(_))) => {
                self.vault.look_again().await?;
                self.read(&key, pending_key(id, photo)).await
            }
            read => read,
        }
    }

    async fn read(&self, key: &PhotoKey, waits: PendingKey) -> Result<Option<Bytes>, KeeperError> {
        // Buffer first: an upload puts the photo into the object store before it leaves the buffer.
        if let Some(kept) = self.store.pending_photo(waits).await? {
            return Ok(Some(self.photos.seal().open(key, kept).await?));
        }
        Ok(self.photos.get(key).await?)
    }

    /// Streams the decrypted file of a report, see [`Photos::file`]; `None` if it does not exist.
    pub async fn file(
        &self,
        key: &FileKey,
        known: JobFile,
    ) -> Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + use<>>, KeeperError> {
        let read = match self.photos.file(key, known).await {
            // As in `get`.
            Err(PhotosError::UnknownKey(_)) => {
                self.vault.look_again().await?;
                self.photos.file(key, known).await
            }
            read => read,
        };
        Ok(read?)
    }

    /// Removes a photo. Returns false while the object store is unavailable: a photo in it stays, orphaned.
    pub async fn remove(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        photo: &PhotoRef,
    ) -> Result<bool, KeeperError> {
        self.store.remove_pending(pending_key(id, photo)).await?;
        if self.is_away() {
            return Ok(false);
        }
        // Photos of unknown formats are never stored.
        if let Some(key) = PhotoKey::of(campaign, id, photo) {
            patiently(self.photos.remove(&key)).await?;
        }
        Ok(true)
    }

    /// Returns the photo encryption keys that are in the database now.
    pub(super) async fn vault_keys(&self) -> Result<Vec<VaultKey>, StoreError> {
        self.vault.in_store().await
    }

    /// Checks that the object store answers within a second.
    pub async fn ping(&self) -> Result<(), PhotosError> {
        self.photos.ping().await
    }

    fn is_away(&self) -> bool {
        self.state.away.load(Ordering::Relaxed)
    }

    fn note_away(&self, error: &PhotosError) {
        if !self.state.away.swap(true, Ordering::Relaxed) {
            warn!("object store unavailable, buffering photos in the database: {error}");
        }
    }

    /// Returns whether the object store accepts photos; probes it if it was unavailable.
    pub(super) async fn is_back(&self) -> bool {
        if !self.is_away() {
            return true;
        }
        let taken = self.photos.try_put().await.is_ok();
        if taken && self.state.away.swap(false, Ordering::Relaxed) {
            info!("object store available again, uploading buffered photos");
        }
        taken
    }

    /// Counts the buffered photos and updates size limit and metrics.
    pub(super) async fn look(&self) -> Result<u64, StoreError> {
        let pending = self.store.pending().await?;
        self.state
            .pending_bytes
            .store(pending.bytes, Ordering::Relaxed);
        self.metrics.waiting(&pending);
        Ok(pending.photos)
    }

    /// Returns up to `limit` buffered photos after a key, in key order.
    pub(super) async fn waiting(
        &self,
        after: Option<PendingKey>,
        most: u8,
    ) -> Result<Vec<PendingPhoto>, StoreError> {
        self.store.pending_after(after, most).await
    }

    /// Uploads a buffered photo, then removes it from the buffer.
    pub(super) async fn move_one(&self, photo: PendingPhoto) -> Result<(), KeeperError> {
        let key = PhotoKey::of(&photo.campaign, photo.id, &photo.photo);
        let key = key.ok_or_else(PhotosError::unknown_format)?;
        let pending = photo.key();
        let sealed = if let Some(sealed) = Sealed::recognise(&photo.bytes) {
            sealed
        } else {
            let plain = key.checked(photo.bytes)?;
            self.photos.seal().seal(&key, plain).await?
        };
        if let Err(error) = self.photos.put(&key, &sealed).await {
            self.note_away(&error);
            return Err(error.into());
        }
        if self.store.remove_pending(pending).await? {
            self.metrics.moved.inc();
        }
        Ok(())
    }
}

fn pending_key(id: RegistrationId, photo: &PhotoRef) -> PendingKey {
    PendingKey {
        id,
        sha256: photo.sha256,
    }
}

async fn patiently<T>(
    asked: impl Future<Output = Result<T, PhotosError>>,
) -> Result<T, PhotosError> {
    timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(PhotosError::late()))
}
