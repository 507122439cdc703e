//! Where a registration's photo goes: into the photo store or, while that is away, into the store, where it waits.
//! Both hold it sealed. The photo store is tried again only once it has taken a trial object: nobody waits for it in vain twice.

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

/// Longest wait for the photo store, which takes a photo in milliseconds while it is well.
const PATIENCE: Duration = Duration::from_secs(3);

/// The photos of registrations, wherever they are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PhotoKeeper {
    photos: Photos,
    vault: Vault,
    store: Store,
    /// Bytes that may wait; they take the place of registrations.
    most_pending: u64,
    state: Arc<State>,
    metrics: PendingMetrics,
}

#[derive(Debug, Default)]
struct State {
    away: AtomicBool,
    pending_bytes: AtomicU64,
}

/// Why a photo was neither kept nor read.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The store did not do it.
    #[error("cannot reach a photo that waits in the store")]
    Store(#[from] StoreError),
    /// The photo store did not do it.
    #[error("cannot reach a photo")]
    Photos(#[from] PhotosError),
    /// The photo store is away, and as many bytes wait as may.
    #[error("the photo store is away, and too many photos wait for it (JORNADA_PENDING_PHOTOS)")]
    Full,
}

impl PhotoKeeper {
    /// Makes the bucket or folder if it is missing. A photo store that is away is no hindrance.
    ///
    /// # Errors
    /// [`PhotosError::Failed`] when what answers cannot be used.
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

    /// Keeps a photo durably, here or there. Keeping it again changes nothing.
    ///
    /// # Errors
    /// [`KeeperError`]; keeping it again is right.
    pub async fn keep(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        photo: &PhotoRef,
        bytes: Bytes,
    ) -> Result<(), KeeperError> {
        let key = PhotoKey::of(campaign, id, photo);
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
        // As of the last look: a second's registrations more do no harm.
        if self.state.pending_bytes.load(Ordering::Relaxed) >= self.most_pending {
            return Err(KeeperError::Full);
        }
        self.store.keep_pending(&photo).await?;
        Ok(())
    }

    /// Reads a photo, whole and unaltered, or `None` when there is none.
    ///
    /// # Errors
    /// [`KeeperError`].
    pub async fn get(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        photo: &PhotoRef,
    ) -> Result<Option<Bytes>, KeeperError> {
        let key = PhotoKey::of(campaign, id, photo);
        match self.read(&key, pending_key(id, photo)).await {
            // Another instance has made the key since this one started.
            Err(KeeperError::Photos(PhotosError::UnknownKey(_))) => {
                self.vault.look_again().await?;
                self.read(&key, pending_key(id, photo)).await
            }
            read => read,
        }
    }

    async fn read(&self, key: &PhotoKey, waits: PendingKey) -> Result<Option<Bytes>, KeeperError> {
        // In this order: a photo is moved by putting it there before it is removed here.
        if let Some(kept) = self.store.pending_photo(waits).await? {
            return Ok(Some(self.photos.seal().open(key, kept).await?));
        }
        Ok(self.photos.get(key).await?)
    }

    /// Reads the file of a report, as [`Photos::file`] does; `None` when there is none.
    ///
    /// # Errors
    /// [`KeeperError`].
    pub async fn file(
        &self,
        key: &FileKey,
        known: JobFile,
    ) -> Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + use<>>, KeeperError> {
        let read = match self.photos.file(key, known).await {
            // As with photos.
            Err(PhotosError::UnknownKey(_)) => {
                self.vault.look_again().await?;
                self.photos.file(key, known).await
            }
            read => read,
        };
        Ok(read?)
    }

    /// Removes a photo; false while the photo store is away: one that is there stays, and belongs to nobody.
    ///
    /// # Errors
    /// [`KeeperError`].
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
        let key = PhotoKey::of(campaign, id, photo);
        patiently(self.photos.remove(&key)).await?;
        Ok(true)
    }

    /// The vault keys that the store knows now.
    pub(super) async fn vault_keys(&self) -> Result<Vec<VaultKey>, StoreError> {
        self.vault.in_store().await
    }

    /// Asks whether the photo store answers, within a second.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn ping(&self) -> Result<(), PhotosError> {
        self.photos.ping().await
    }

    fn is_away(&self) -> bool {
        self.state.away.load(Ordering::Relaxed)
    }

    fn note_away(&self, error: &PhotosError) {
        if !self.state.away.swap(true, Ordering::Relaxed) {
            warn!("photos wait in the store: {error}");
        }
    }

    /// Whether the photo store takes photos; asks one that was away.
    pub(super) async fn is_back(&self) -> bool {
        if !self.is_away() {
            return true;
        }
        let taken = self.photos.try_put().await.is_ok();
        if taken && self.state.away.swap(false, Ordering::Relaxed) {
            info!("the photo store is back");
        }
        taken
    }

    /// Counts what waits.
    pub(super) async fn look(&self) -> Result<u64, StoreError> {
        let pending = self.store.pending().await?;
        self.state
            .pending_bytes
            .store(pending.bytes, Ordering::Relaxed);
        self.metrics.waiting(&pending);
        Ok(pending.photos)
    }

    /// Photos that wait, in the order of their keys.
    pub(super) async fn waiting(
        &self,
        after: Option<PendingKey>,
        most: u8,
    ) -> Result<Vec<PendingPhoto>, StoreError> {
        self.store.pending_after(after, most).await
    }

    /// Puts a photo where it belongs, and only then removes it from the store.
    pub(super) async fn move_one(&self, photo: PendingPhoto) -> Result<(), KeeperError> {
        let key = PhotoKey::of(&photo.campaign, photo.id, &photo.photo);
        let pending = photo.key();
        let sealed = Sealed::recognise(&photo.bytes).ok_or(PhotosError::Altered)?;
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
