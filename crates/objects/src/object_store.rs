//! Object store for encrypted photos and reports: a local folder or S3. Whatever `put` confirms is on stable storage.
//! Report files are streamed, never read into memory as a whole.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use super::disk::DiskBackend;
use super::encryption::{
    EncryptedFile, EncryptedPhoto, Encryptor, HEADER_BYTES, KeyEncryptionKey, MAX_ENCRYPTED_BYTES,
    is_encrypted_under, put_id,
};
use super::error::{ObjectError, Result, with_timeout};
use super::key::ObjectKey;
use super::put_id::PutId;
use super::s3::S3Backend;
use super::setting::ObjectStoreSetting;
use jornada_domain::job::ReportFile;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_runtime::metrics::Meter;

const PREPARE_TIMEOUT: Duration = Duration::from_secs(3);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
const LIST_BUFFER: usize = 64;

/// Background task of a listing, with its outcome.
type ListingTask = JoinHandle<Result<()>>;

/// Object store for photos and reports.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    backend: ObjectBackend,
    encryptor: Encryptor,
    meter: Meter,
}

#[derive(Clone, Debug)]
enum ObjectBackend {
    Disk(DiskBackend),
    S3(Arc<S3Backend>),
}

macro_rules! dispatch {
    ($store:ident.$operation:ident($($argument:expr),*)) => {
        match &$store.backend {
            ObjectBackend::Disk(disk) => disk.$operation($($argument),*).await,
            ObjectBackend::S3(s3) => s3.$operation($($argument),*).await,
        }
    };
}

impl ObjectStore {
    /// Creates the configured object store. Does not connect yet.
    pub fn new(setting: &ObjectStoreSetting, encryptor: Encryptor) -> Self {
        let backend = match setting {
            ObjectStoreSetting::Disk(folder) => ObjectBackend::Disk(DiskBackend::new(folder, true)),
            ObjectStoreSetting::S3(setting) => ObjectBackend::S3(Arc::new(S3Backend::new(setting))),
        };
        Self {
            backend,
            encryptor,
            meter: Meter::default(),
        }
    }

    /// Creates the store of a backup's photos in a folder. What `put` confirms is on stable storage only after
    /// [`sync`](Self::sync): a million files one by one would take hours.
    pub fn of_backup(folder: &Path, encryptor: Encryptor) -> Self {
        Self {
            backend: ObjectBackend::Disk(DiskBackend::new(folder, false)),
            encryptor,
            meter: Meter::default(),
        }
    }

    /// Puts what was stored on stable storage.
    pub async fn sync(&self) -> Result<()> {
        match &self.backend {
            ObjectBackend::Disk(disk) => disk.sync().await,
            ObjectBackend::S3(_) => Ok(()),
        }
    }

    /// Returns the same store with a meter for its operations.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Returns the encryptor of photos and files.
    pub fn encryptor(&self) -> &Encryptor {
        &self.encryptor
    }

    /// Creates the folder or bucket if it is missing, within three seconds.
    pub async fn prepare(&self) -> Result<()> {
        let prepared = self.measure("prepare", async { dispatch!(self.prepare()) });
        with_timeout(PREPARE_TIMEOUT, prepared).await
    }

    /// Stores a photo durably. Storing it again leaves one of the two encrypted versions; both hold the same photo.
    /// After an error it may or may not be stored; retrying is safe.
    pub async fn put(&self, key: &ObjectKey, photo: &EncryptedPhoto) -> Result<()> {
        self.measure("put", async { dispatch!(self.put(key, photo)) })
            .await
    }

    /// Stores a report file durably; overwrites an existing one atomically. After an error it may or may not be stored.
    pub async fn put_file(&self, key: &ObjectKey, file: &EncryptedFile) -> Result<()> {
        self.measure("put_file", async { dispatch!(self.put_file(key, file)) })
            .await
    }

    /// Reads, decrypts and verifies a photo. Returns `None` if there is none.
    pub async fn get(&self, key: &ObjectKey) -> Result<Option<Bytes>> {
        let Some(stored) = self.measure("get", self.read(key, None)).await? else {
            return Ok(None);
        };
        self.encryptor.decrypt(key, stored).await.map(Some)
    }

    /// Reads and verifies a photo, and returns it as it is stored. Returns `None` if there is none.
    pub async fn get_encrypted(&self, key: &ObjectKey) -> Result<Option<EncryptedPhoto>> {
        let Some(stored) = self.measure("get", self.read(key, None)).await? else {
            return Ok(None);
        };
        self.encryptor.decrypt(key, stored.clone()).await?;
        Ok(EncryptedPhoto::from_stored(&stored))
    }

    /// Returns whether a photo is stored, and encrypted as this one if one is given. Reads its header only.
    pub async fn has(&self, key: &ObjectKey, photo: Option<&EncryptedPhoto>) -> Result<bool> {
        let head = self.measure("start", self.read(key, Some(HEADER_BYTES)));
        let Some(head) = head.await? else {
            return Ok(false);
        };
        let is_same = |photo: &EncryptedPhoto| photo.bytes().starts_with(&head);
        Ok(head.len() == HEADER_BYTES && photo.is_none_or(is_same))
    }

    /// Reads a report file as a stream of decrypted chunks. Returns `None` if there is none. The stream fails before
    /// its last chunk if the content differs from `known`.
    pub async fn get_file(
        &self,
        key: &ObjectKey,
        known: ReportFile,
    ) -> Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + use<>>> {
        let open = self.measure("file", async { dispatch!(self.open(key)) });
        let Some(found) = open.await? else {
            return Ok(None);
        };
        let decrypted = self.encryptor.decrypt_file(key, found, known).await;
        decrypted.map(Some)
    }

    /// Lists the objects under a prefix that ends with `/` or is empty, in any order, once each, with the time when they
    /// were last stored (store clock), and the outcome of the listing. Objects that are stored meanwhile may be missing.
    #[must_use]
    pub fn list(
        &self,
        prefix: impl Into<String>,
    ) -> (Receiver<(ObjectKey, Timestamp)>, ListingTask) {
        let (sender, objects) = channel(LIST_BUFFER);
        let (store, prefix) = (self.clone(), prefix.into());
        let listing = tokio::spawn(async move { dispatch!(store.list(prefix, sender)) });
        (objects, listing)
    }

    /// Returns the put that stored a photo; `None` unless the photo was encrypted for this key under one of these key
    /// encryption keys. Reads its header only.
    pub async fn put_id(
        &self,
        keys: &[KeyEncryptionKey],
        key: &ObjectKey,
    ) -> Result<Option<PutId>> {
        let head = self.read(key, Some(HEADER_BYTES));
        let head = self.measure("start", head).await?;
        let head = head.filter(|head| is_encrypted_under(keys, key, head));
        Ok(head.and_then(|head| put_id(&head)))
    }

    /// Deletes an object; succeeds if there is none.
    pub async fn remove(&self, key: &ObjectKey) -> Result<()> {
        let operation = match key {
            ObjectKey::Photo { .. } => "remove",
            ObjectKey::Report { .. } => "remove_file",
        };
        self.measure(operation, async { dispatch!(self.remove(key)) })
            .await
    }

    /// Deletes all photos of a registration, those of other attempts included.
    pub async fn remove_photos(&self, campaign: &CampaignId, id: RegistrationId) -> Result<()> {
        let (mut photos, listing) = self.list(ObjectKey::photos_prefix(campaign, id));
        while let Some((key, _)) = photos.recv().await {
            self.remove(&key).await?;
        }
        listing
            .await
            .map_err(|_| ObjectError::Failed("the listing was cancelled".into()))?
    }

    /// Deletes photos whose writing was interrupted before this time. Only files on disk can be unfinished.
    pub async fn remove_unfinished(&self, before: Timestamp) -> Result<()> {
        match &self.backend {
            ObjectBackend::Disk(disk) => disk.remove_unfinished(before).await,
            ObjectBackend::S3(_) => Ok(()),
        }
    }

    /// Checks within a second whether the store accepts objects, by writing an empty one. Creates the folder or bucket
    /// if it is missing.
    pub async fn try_put(&self) -> Result<()> {
        let tried = self.measure("try_put", async { dispatch!(self.try_put()) });
        with_timeout(PROBE_TIMEOUT, tried).await
    }

    /// Checks within a second whether the store answers.
    pub async fn ping(&self) -> Result<()> {
        let ping = async { dispatch!(self.ping()) };
        self.measure("ping", with_timeout(PROBE_TIMEOUT, ping))
            .await
    }

    /// Reads the first `bytes` bytes of a photo, or all of it. Returns `None` if there is none.
    async fn read(&self, key: &ObjectKey, bytes: Option<usize>) -> Result<Option<Bytes>> {
        match dispatch!(self.read(key, bytes))? {
            Some(read) if bytes.is_none() && read.len() > MAX_ENCRYPTED_BYTES => {
                Err(ObjectError::Altered)
            }
            found => Ok(found),
        }
    }

    /// Measures duration and outcome of an operation under a label of the metrics. Boxed, because the futures of S3 are
    /// large.
    fn measure<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        work: impl Future<Output = Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(self.meter.time(operation, work))
    }
}
