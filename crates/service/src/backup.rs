//! Backups of MongoDB and the photos, and restores from them.
//!
//! ```text
//! DIR/photos/…                       encrypted photos, as in the object store: one copy for all backups in the folder
//! DIR/erased.jsonl                   registrations that were erased, also after a backup
//! DIR/erased-photos.jsonl            registrations whose photo was erased
//! DIR/photos-unsynced                while photos are copied: after a power cut all of them are verified
//! DIR/2026-11-29T16-30-00.123Z/      a backup: a file for each table, manifest.json last
//! ```
//!
//! A backup is as of one moment, and contains every registration that was acknowledged before. It holds no secret: what
//! is encrypted in the store is encrypted in it. Start reading at [`take::take`] and [`saved::SavedBackup`].

pub mod erased_list;
mod files;
pub mod manifest;
mod photos;
pub mod saved;
pub mod take;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use manifest::MANIFEST;
pub use photos::PhotoCounts;

use jornada_objects::ObjectStore;
use jornada_objects::encryption::Encryptor;

/// Paths in the folder of the backups.
#[derive(Clone, Debug)]
pub struct BackupFolder(PathBuf);

impl BackupFolder {
    /// Wraps a path.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the list of erased registrations.
    pub fn erased(&self) -> PathBuf {
        self.0.join("erased.jsonl")
    }

    /// Returns the list of registrations whose photo was erased.
    pub fn erased_photos(&self) -> PathBuf {
        self.0.join("erased-photos.jsonl")
    }

    /// Returns the path of a mark: the photos that were copied last may be incomplete.
    fn unsynced(&self) -> PathBuf {
        self.0.join("photos-unsynced")
    }

    /// Prevents others from using the folder at the same time.
    fn lock(&self) -> anyhow::Result<File> {
        let folder = self.0.display();
        let lock = File::create(self.0.join("lock")).with_context(|| folder.to_string())?;
        let locked = lock.try_lock();
        locked.with_context(|| format!("another backup or restore uses {folder}: wait for it"))?;
        Ok(lock)
    }

    /// Returns the names of the backups, oldest first. They begin with the year; only complete ones have a manifest.
    fn names(&self, is_complete: bool) -> anyhow::Result<Vec<String>> {
        let folder = self.0.display();
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).with_context(|| folder.to_string())? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            let has_manifest = entry.path().join(MANIFEST).exists() && !name.contains(".new");
            if name.starts_with(|c: char| c.is_ascii_digit()) && has_manifest == is_complete {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Returns the name of the newest backup, or this name if there is such a backup.
    fn choose(&self, name: Option<&str>) -> anyhow::Result<String> {
        let mut names = self.names(true)?;
        let found = match name {
            None => names.pop(),
            Some(name) => names.iter().find(|known| *known == name).cloned(),
        };
        let Some(found) = found else {
            bail!(
                "{} contains no such backup: expected a folder of jornada backup",
                self.0.display()
            );
        };
        Ok(found)
    }

    /// Removes what interrupted backups left.
    fn remove_incomplete(&self) -> anyhow::Result<()> {
        for name in self.names(false)? {
            fs::remove_dir_all(self.0.join(name))?;
        }
        Ok(())
    }

    /// Removes all backups but the newest. The manifest goes first, so that no half backup looks complete.
    fn keep_newest(&self, keep: usize) -> anyhow::Result<()> {
        for name in self.names(true)?.into_iter().rev().skip(keep) {
            let folder = self.0.join(name);
            fs::remove_file(folder.join(MANIFEST))?;
            fs::remove_dir_all(folder)?;
        }
        Ok(())
    }

    /// Returns the store of the photos.
    fn photos(&self, encryptor: Encryptor) -> ObjectStore {
        ObjectStore::of_backup(&self.0.join("photos"), encryptor)
    }
}
