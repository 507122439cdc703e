//! Makes a backup while the site runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;

use super::BackupFolder;
use super::erased_list::{self, ErasedLine};
use super::files::{TableFileReader, TableWriter, scan, table_path};
use super::manifest::{Manifest, TableFile};
use super::photos::{self, PhotoCopying, PhotoCounts};
use crate::key::InstallationSecret;
use jornada_domain::history::DeletionCause;
use jornada_domain::staff::audit::ChainHead;
use jornada_objects::ObjectStore;
use jornada_objects::encryption::Encryptor;
use jornada_store::backup::{
    AUDIT, BUFFERED_PHOTOS, BackupTime, PhotoOwner, WITH_PHOTOS, audit_head, buffered_photo_key,
    photo_owner,
};
use jornada_store::{BufferedPhotoKey, Store};

/// Stores of the site to back up.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Store; only MongoDB.
    pub store: &'a Store,
    /// Object store of the photos.
    pub objects: &'a ObjectStore,
    /// Secret, which authenticates the backup.
    pub secret: &'a InstallationSecret,
}

/// Makes a backup, verifies it, and removes those before the newest `keep`. Returns its name and contents.
///
/// If it fails, or the process dies, the folder has the earlier backups, and the next backup continues with the photos
/// that were copied.
pub async fn take(
    site: Site<'_>,
    folder: &BackupFolder,
    keep: usize,
    now: Timestamp,
) -> anyhow::Result<(String, Manifest)> {
    let now = Timestamp::from_millisecond(now.as_millisecond())?;
    create_folder(folder.path())?;
    let _lock = folder.lock()?;
    folder.remove_incomplete()?;
    let name = now.strftime("%Y-%m-%dT%H-%M-%S%.3fZ").to_string();
    let new = folder.path().join(format!("{name}.new"));
    create_folder(&new)?;
    let manifest = match write(site, folder, &new, now).await {
        Ok(manifest) => manifest,
        Err(error) => {
            // Leaves space for others; the cause is what counts.
            fs::remove_dir_all(&new).ok();
            return Err(error);
        }
    };
    fs::rename(&new, folder.path().join(&name))?;
    File::open(folder.path())?.sync_all()?;
    folder.keep_newest(keep)?;
    Ok((name, manifest))
}

fn create_folder(path: &Path) -> anyhow::Result<()> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
    created.with_context(|| path.display().to_string())
}

async fn write(
    site: Site<'_>,
    folder: &BackupFolder,
    new: &Path,
    now: Timestamp,
) -> anyhow::Result<Manifest> {
    let names = site.store.backup_tables().await?;
    let at = site.store.backup_time().await?;
    let mut tables = BTreeMap::new();
    for name in names {
        let path = table_path(new, &name);
        let file = copy_table(site.store, &name, at, &path).await;
        let file = file.with_context(|| path.display().to_string())?;
        tables.insert(name, file);
    }
    let (head, photos) = verify_and_copy_photos(site, folder, new, &tables).await?;
    let manifest = Manifest::new(now, head.to_string(), photos, tables, site.secret)?;
    manifest.write(new)?;
    Ok(manifest)
}

async fn copy_table(
    store: &Store,
    table: &str,
    at: BackupTime,
    path: &Path,
) -> anyhow::Result<TableFile> {
    let mut reader = store.read_table(table, at).await?;
    let mut writer = TableWriter::create(path)?;
    while let Some(documents) = reader.next().await? {
        writer.write(&documents)?;
    }
    writer.finish()
}

/// Reads all files back, and copies the photos to which registrations refer.
async fn verify_and_copy_photos(
    site: Site<'_>,
    folder: &BackupFolder,
    new: &Path,
    tables: &BTreeMap<String, TableFile>,
) -> anyhow::Result<(ChainHead, PhotoCounts)> {
    let mut head = ChainHead::default();
    for table in tables
        .keys()
        .filter(|table| !WITH_PHOTOS.contains(&table.as_str()))
    {
        let is_audit = table == AUDIT;
        scan(new, table, tables, |document| {
            if is_audit {
                let entry = audit_head(document)?;
                head = if entry.seq > head.seq { entry } else { head };
            }
            Ok(())
        })?;
    }
    let buffered = buffered_photos(new, tables)?;
    let mut photos = PhotoCounts::default();
    for table in WITH_PHOTOS {
        if let Some(expected) = tables.get(table) {
            let mut reader = TableFileReader::open(new, table, expected)?;
            copy_photos(site, folder, &mut reader, &buffered, &mut photos).await?;
        }
    }
    Ok((head, photos))
}

/// Returns the keys of the photos in a backup's photo buffer.
pub(super) fn buffered_photos(
    folder: &Path,
    tables: &BTreeMap<String, TableFile>,
) -> anyhow::Result<BTreeSet<BufferedPhotoKey>> {
    let mut keys = BTreeSet::new();
    scan(folder, BUFFERED_PHOTOS, tables, |document| {
        keys.insert(buffered_photo_key(document)?);
        Ok(())
    })?;
    Ok(keys)
}

/// Copies photos that are not in the folder yet, and removes those of erased people from it.
async fn copy_photos(
    site: Site<'_>,
    folder: &BackupFolder,
    registrations: &mut TableFileReader<'_>,
    buffered: &BTreeSet<BufferedPhotoKey>,
    counts: &mut PhotoCounts,
) -> anyhow::Result<()> {
    let copies = folder.photos(site.objects.encryptor().clone());
    copies.prepare().await?;
    let copying = PhotoCopying {
        store: site.store,
        objects: site.objects,
        copies: &copies,
        trusts_copies: !folder.unsynced().exists(),
    };
    File::create(folder.unsynced())?.sync_all()?;
    let (mut erased, mut erased_photos) = (Vec::new(), Vec::new());
    loop {
        let batch = registrations.next_batch()?;
        if batch.is_empty() {
            break;
        }
        let mut keys = Vec::new();
        for document in &batch {
            let Some(owner) = photo_owner(document)? else {
                continue;
            };
            keys.extend(photos::key_of(&owner));
            match owner {
                PhotoOwner::Stored { .. } => {}
                PhotoOwner::Erased(campaign, id, cause) => {
                    erased.push(ErasedLine::new(campaign, id, &cause));
                }
                PhotoOwner::PhotoErased(campaign, id) => {
                    erased_photos.push(ErasedLine::new(
                        campaign,
                        id,
                        DeletionCause::Requested.into(),
                    ));
                }
            }
        }
        photos::for_each(keys, counts, |key| photos::save(copying, buffered, key)).await?;
    }
    copies.sync().await?;
    fs::remove_file(folder.unsynced())?;
    erased_list::add(&folder.erased(), &erased)?;
    erased_list::add(&folder.erased_photos(), &erased_photos)?;
    remove_photos(&copies, &erased).await?;
    remove_photos(&copies, &erased_photos).await
}

/// Adds erased registrations to the list of a folder, and removes their photos from it.
pub async fn forget_erased(
    folder: &BackupFolder,
    encryptor: &Encryptor,
    lines: &[ErasedLine],
) -> anyhow::Result<()> {
    let _lock = folder.lock()?;
    erased_list::add(&folder.erased(), lines)?;
    let copies = folder.photos(encryptor.clone());
    copies.prepare().await?;
    remove_photos(&copies, lines).await
}

async fn remove_photos(copies: &ObjectStore, lines: &[ErasedLine]) -> anyhow::Result<()> {
    for line in lines {
        copies.remove_photos(&line.campaign, line.id).await?;
    }
    Ok(())
}
