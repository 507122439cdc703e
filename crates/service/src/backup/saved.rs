//! A backup on disk, verified in every part before anything is restored from it.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, ensure};

use super::BackupFolder;
use super::erased_list;
use super::files::{TableFileReader, scan};
use super::manifest::Manifest;
use super::photos::{self, PhotoCounts, PhotoPlace};
use super::take::buffered_photos;
use crate::key::InstallationSecret;
use crate::registrations::key_ring;
use crate::registrations::photo_repository::photo_key;
use jornada_domain::RegistrationId;
use jornada_objects::{MasterKeys, ObjectKey, ObjectStore};
use jornada_store::backup::{WITH_PHOTOS, WRAPPED_KEYS, photo_owner, wrapped_key};
use jornada_store::{BufferedPhotoKey, RestoreTarget};

/// A backup whose files and photos are complete and unchanged, and fit the settings.
#[derive(Debug)]
pub struct SavedBackup {
    /// Its name.
    pub name: String,
    /// Its contents.
    pub manifest: Manifest,
    path: PathBuf,
    /// Photos of all backups of the folder; none if there is no key for any.
    copies: Option<ObjectStore>,
    buffered: BTreeSet<BufferedPhotoKey>,
    /// Registrations that were erased since, or their photo.
    erased: HashSet<RegistrationId>,
    _lock: File,
}

impl SavedBackup {
    /// Opens and verifies a backup, the newest one unless a name is given.
    pub async fn open(
        folder: &BackupFolder,
        name: Option<&str>,
        secret: &InstallationSecret,
        keys: &MasterKeys,
    ) -> anyhow::Result<Self> {
        let lock = folder.lock()?;
        let name = folder.choose(name)?;
        let path = folder.path().join(&name);
        let manifest = Manifest::read(&path, secret)?;
        for table in manifest.tables.keys() {
            scan(&path, table, &manifest.tables, |_| Ok(()))?;
        }
        let mut wrapped = Vec::new();
        scan(&path, WRAPPED_KEYS, &manifest.tables, |document| {
            wrapped.push(wrapped_key(document)?);
            Ok(())
        })?;
        let encryptor = key_ring::encryptor_of(keys, &wrapped).context("JORNADA_PHOTO_KEY")?;
        let mut erased = erased_list::read_ids(&folder.erased())?;
        erased.extend(erased_list::read_ids(&folder.erased_photos())?);
        let backup = Self {
            buffered: buffered_photos(&path, &manifest.tables)?,
            copies: encryptor.map(|encryptor| folder.photos(encryptor)),
            name,
            manifest,
            path,
            erased,
            _lock: lock,
        };
        backup.verify_photos(folder).await?;
        Ok(backup)
    }

    async fn verify_photos(&self, folder: &BackupFolder) -> anyhow::Result<()> {
        let verify = async |copies: &ObjectStore, key: ObjectKey| {
            photos::verify(copies, &self.buffered, key).await
        };
        let found = self.for_each_photo(verify).await?;
        let lost = found.lost.saturating_sub(self.manifest.photos.lost);
        ensure!(
            lost == 0,
            "{lost} of {} photos are missing or damaged in {}: use another copy of the folder",
            found.total(),
            folder.path().join("photos").display()
        );
        Ok(())
    }

    /// Writes all tables into an empty database.
    pub async fn load(&self, target: &RestoreTarget) -> anyhow::Result<()> {
        for (table, expected) in &self.manifest.tables {
            let mut reader = TableFileReader::open(&self.path, table, expected)?;
            loop {
                let batch = reader.next_batch()?;
                if batch.is_empty() {
                    break;
                }
                target.insert(table, batch).await?;
            }
            let (found, expected) = (target.count(table).await?, expected.documents);
            ensure!(
                found == expected,
                "{table} has {found} documents after the restore, not {expected}: run it again"
            );
        }
        Ok(())
    }

    /// Copies the photos into the object store, except those of erased people and those that are there.
    pub async fn upload_photos(&self, objects: &ObjectStore) -> anyhow::Result<PhotoCounts> {
        let upload = async |copies: &ObjectStore, key: ObjectKey| match photo_key(&key) {
            Some(photo) if self.erased.contains(&photo.id) => Ok(PhotoPlace::Erased),
            Some(photo) if self.buffered.contains(&photo) => Ok(PhotoPlace::Buffered),
            _ => photos::upload(copies, objects, key).await,
        };
        self.for_each_photo(upload).await
    }

    /// Works on the photos of all registrations. A photo that is not found is no loss if it was erased since.
    async fn for_each_photo(
        &self,
        find: impl AsyncFn(&ObjectStore, ObjectKey) -> anyhow::Result<PhotoPlace>,
    ) -> anyhow::Result<PhotoCounts> {
        let mut counts = PhotoCounts::default();
        let Some(copies) = &self.copies else {
            return Ok(counts);
        };
        for table in WITH_PHOTOS {
            if let Some(expected) = self.manifest.tables.get(table) {
                let reader = TableFileReader::open(&self.path, table, expected)?;
                self.for_each_photo_of(reader, copies, &mut counts, &find)
                    .await?;
            }
        }
        Ok(counts)
    }

    async fn for_each_photo_of(
        &self,
        mut reader: TableFileReader<'_>,
        copies: &ObjectStore,
        counts: &mut PhotoCounts,
        find: &impl AsyncFn(&ObjectStore, ObjectKey) -> anyhow::Result<PhotoPlace>,
    ) -> anyhow::Result<()> {
        loop {
            let batch = reader.next_batch()?;
            if batch.is_empty() {
                return Ok(());
            }
            let mut keys = Vec::new();
            for document in &batch {
                keys.extend(photo_owner(document)?.as_ref().and_then(photos::key_of));
            }
            let find = |key: ObjectKey| async move {
                let id = photo_key(&key).map(|photo| photo.id);
                match find(copies, key).await? {
                    PhotoPlace::Lost if id.is_some_and(|id| self.erased.contains(&id)) => {
                        Ok(PhotoPlace::Erased)
                    }
                    place => Ok(place),
                }
            };
            photos::for_each(keys, counts, find).await?;
        }
    }
}
