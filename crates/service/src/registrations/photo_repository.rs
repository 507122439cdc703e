//! Stores photos in the object store or, while that is unavailable, in the database (buffer). Both hold them encrypted.
//! After a failure requests skip the object store until a background probe succeeds, so that only the first ones wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tracing::{info, warn};

use super::key_ring::KeyRing;
use super::metrics::BufferedPhotoMetrics;
use super::photo_puts::{PhotoPut, PhotoPuts};
use jornada_domain::job::ReportFile;
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, Registration, RegistrationId};
use jornada_objects::encryption::EncryptedPhoto;
use jornada_objects::{ObjectError, ObjectKey, ObjectStore, with_timeout};
use jornada_runtime::metrics::gauge_value;
use jornada_store::{BufferedPhoto, BufferedPhotoKey, Store, StoreError};

/// Timeout of a request to the object store, which normally takes milliseconds.
const OBJECT_STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Photos of registrations, in the object store or buffered. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PhotoRepository {
    objects: ObjectStore,
    pub(crate) key_ring: KeyRing,
    pub(super) store: Store,
    /// Limit of buffered bytes: they share the database's disk with registrations.
    max_buffered_bytes: u64,
    availability: Arc<StoreAvailability>,
    puts: PhotoPuts,
    pub(crate) metrics: BufferedPhotoMetrics,
}

#[derive(Debug, Default)]
struct StoreAvailability {
    unavailable: AtomicBool,
    buffered_bytes: AtomicU64,
}

/// A photo that could be neither stored nor read.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The database failed.
    #[error("cannot access a buffered photo")]
    Store(#[from] StoreError),
    /// The object store failed.
    #[error("cannot access a photo")]
    Objects(#[from] ObjectError),
    /// The object store is unavailable and the buffer is full.
    #[error("JORNADA_PENDING_PHOTOS: object store unavailable and photo buffer full")]
    BufferFull,
}

impl PhotoRepository {
    /// Creates the bucket or folder if missing. Succeeds while the object store is unavailable.
    ///
    /// # Errors
    /// [`ObjectError::Failed`] if the object store answers but cannot be used.
    pub async fn open(
        objects: ObjectStore,
        key_ring: KeyRing,
        store: Store,
        max_buffered_bytes: u64,
        metrics: BufferedPhotoMetrics,
    ) -> Result<Self, ObjectError> {
        let repository = Self {
            objects,
            key_ring,
            puts: PhotoPuts::new(store.clone(), metrics.unresolved.clone()),
            store,
            max_buffered_bytes,
            availability: Arc::default(),
            metrics,
        };
        match repository.objects.prepare().await {
            Err(error @ ObjectError::Unavailable(_)) => repository.mark_unavailable(&error),
            prepared => prepared?,
        }
        Ok(repository)
    }

    /// Encrypts the photo of an attempt to register and stores it durably, in the object store or in the buffer. The
    /// caller resolves the put once it knows whether the registration is stored.
    pub(super) async fn put(
        &self,
        attempt: &Registration,
        photo: &PhotoRef,
        bytes: Bytes,
    ) -> Result<PhotoPut, PhotoError> {
        let key = ObjectKey::for_photo(attempt, photo);
        let is_available = !self.is_unavailable();
        if !is_available {
            self.check_buffer()?;
        }
        let mut put = self.puts.start().await?;
        let encryptor = self.objects.encryptor();
        let encrypted = encryptor.encrypt_as(&key, bytes, put.id()).await?;
        put.send();
        if is_available {
            match with_timeout(OBJECT_STORE_TIMEOUT, self.objects.put(&key, &encrypted)).await {
                Ok(()) => {
                    put.confirm();
                    return Ok(put);
                }
                Err(error) => self.mark_unavailable(&error),
            }
            // The photo may still arrive there, so the put is unresolved if the buffer is full.
            self.check_buffer()?;
        }
        let buffered = BufferedPhoto {
            campaign: attempt.campaign.clone(),
            id: attempt.id,
            received_at: attempt.received_at,
            photo: photo.clone(),
            bytes: encrypted.bytes().clone(),
        };
        self.store.buffer_photo(&buffered).await?;
        Ok(put)
    }

    /// Fails if the buffer is full. The count is up to a second old: a few photos beyond the limit do no harm.
    fn check_buffer(&self) -> Result<(), PhotoError> {
        let bytes = self.availability.buffered_bytes.load(Ordering::Relaxed);
        if bytes >= self.max_buffered_bytes {
            return Err(PhotoError::BufferFull);
        }
        Ok(())
    }

    /// Notes in the store that no photo of this process is unresolved, or which ones are. Call it before the process
    /// ends, when no request is in flight.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.puts.close().await
    }

    /// Reads, authenticates and decrypts a registration's photo; `None` if it does not exist.
    pub async fn get(&self, registration: &Registration) -> Result<Option<Bytes>, PhotoError> {
        let Some(photo) = &registration.photo else {
            return Ok(None);
        };
        let key = ObjectKey::for_photo(registration, photo);
        self.with_new_keys(|| self.read(&key)).await
    }

    /// Repeats a read under an unknown key once: another instance may have created the key since this one started.
    async fn with_new_keys<T, F>(&self, read: impl Fn() -> F) -> Result<T, PhotoError>
    where
        F: Future<Output = Result<T, PhotoError>>,
    {
        match read().await {
            Err(PhotoError::Objects(ObjectError::UnknownKey(_))) => {
                self.key_ring.reload().await?;
                read().await
            }
            result => result,
        }
    }

    async fn read(&self, key: &ObjectKey) -> Result<Option<Bytes>, PhotoError> {
        // Buffer first: an upload puts the photo into the object store before it leaves the buffer.
        if let Some(buffered) = photo_key(key)
            && let Some(encrypted) = self.store.buffered_photo(buffered).await?
        {
            return Ok(Some(
                self.objects.encryptor().decrypt(key, encrypted).await?,
            ));
        }
        Ok(self.objects.get(key).await?)
    }

    /// Streams the decrypted file of a report, see [`ObjectStore::get_file`]; `None` if it does not exist.
    pub async fn read_file(
        &self,
        key: &ObjectKey,
        known: ReportFile,
    ) -> Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + use<>>, PhotoError> {
        self.with_new_keys(async || Ok(self.objects.get_file(key, known).await?))
            .await
    }

    /// Removes the photo of one attempt to register and resolves its put. Unless it succeeds, or while the object store
    /// is unavailable, the put remains unresolved.
    pub(super) async fn remove_attempt(
        &self,
        attempt: &Registration,
        photo: &PhotoRef,
        put: PhotoPut,
    ) -> Result<(), PhotoError> {
        let key = ObjectKey::for_photo(attempt, photo);
        if let Some(buffered) = photo_key(&key).filter(|_| !put.is_confirmed()) {
            self.store.remove_buffered_photo(buffered).await?;
        }
        if !self.is_unavailable() {
            with_timeout(OBJECT_STORE_TIMEOUT, self.objects.remove(&key)).await?;
            put.resolve_removed();
        }
        Ok(())
    }

    /// Removes all photos of a registration. Returns false while the object store is unavailable.
    pub async fn remove(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<bool, PhotoError> {
        self.store.remove_buffered_photos(id).await?;
        if self.is_unavailable() {
            return Ok(false);
        }
        let removal = self.objects.remove_photos(campaign, id);
        with_timeout(OBJECT_STORE_TIMEOUT, removal).await?;
        Ok(true)
    }

    fn is_unavailable(&self) -> bool {
        self.availability.unavailable.load(Ordering::Relaxed)
    }

    fn mark_unavailable(&self, error: &ObjectError) {
        if !self.availability.unavailable.swap(true, Ordering::Relaxed) {
            warn!("object store unavailable, buffering photos in the database: {error}");
        }
    }

    /// Returns whether the object store accepts photos; probes it if it was unavailable.
    pub(super) async fn check_available(&self) -> bool {
        if !self.is_unavailable() {
            return true;
        }
        let taken = self.objects.try_put().await.is_ok();
        if taken && self.availability.unavailable.swap(false, Ordering::Relaxed) {
            info!("object store available again, uploading buffered photos");
        }
        taken
    }

    /// Counts the buffered photos and updates size limit and metrics.
    pub(super) async fn count_buffered(&self) -> Result<u64, StoreError> {
        let totals = self.store.buffer_totals().await?;
        self.availability
            .buffered_bytes
            .store(totals.bytes, Ordering::Relaxed);
        self.metrics.photos.set(gauge_value(totals.photos));
        self.metrics.bytes.set(gauge_value(totals.bytes));
        Ok(totals.photos)
    }

    /// Uploads a buffered photo, then removes it from the buffer.
    pub(super) async fn upload_buffered(&self, photo: BufferedPhoto) -> Result<(), PhotoError> {
        let buffered = photo.key();
        let key = ObjectKey::Photo {
            campaign: photo.campaign,
            id: photo.id,
            sha256: photo.photo.sha256,
            received_at: photo.received_at,
            format: photo.photo.format,
        };
        let encrypted = EncryptedPhoto::from_stored(&photo.bytes).ok_or(ObjectError::Altered)?;
        if let Err(error) = self.objects.put(&key, &encrypted).await {
            self.mark_unavailable(&error);
            return Err(error.into());
        }
        if self.store.remove_buffered_photo(buffered).await? {
            self.metrics.uploaded.inc();
        }
        Ok(())
    }
}

/// Returns the key of a photo in the store; `None` for a report.
pub(crate) fn photo_key(key: &ObjectKey) -> Option<BufferedPhotoKey> {
    match *key {
        ObjectKey::Photo {
            id,
            sha256,
            received_at,
            ..
        } => Some(BufferedPhotoKey {
            id,
            sha256,
            received_at,
        }),
        ObjectKey::Report { .. } => None,
    }
}
