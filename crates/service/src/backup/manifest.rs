//! The last file of a backup: what it contains, with checksums. A backup without it is incomplete.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::photos::PhotoCounts;
use crate::key::{DerivedKey, InstallationSecret};

/// Name of the file.
pub(super) const MANIFEST: &str = "manifest.json";

/// Version of the format of backups.
const FORMAT: u32 = 1;

/// Contents of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    format: u32,
    /// Version of the program that made it.
    pub program: String,
    /// Moment as of which it is.
    pub taken_at: Timestamp,
    /// Head of the audit log, `SEQ:HASH`.
    pub audit_head: String,
    /// Photos of its registrations.
    pub photos: PhotoCounts,
    /// Tables by name.
    pub tables: BTreeMap<String, TableFile>,
    /// MAC of everything else, under a key of the installation.
    seal: String,
}

/// The file of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFile {
    /// Number of documents.
    pub documents: u64,
    /// Length.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    pub(super) fn new(
        taken_at: Timestamp,
        audit_head: String,
        photos: PhotoCounts,
        tables: BTreeMap<String, TableFile>,
        secret: &InstallationSecret,
    ) -> anyhow::Result<Self> {
        let mut manifest = Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at,
            audit_head,
            photos,
            tables,
            seal: String::new(),
        };
        manifest.seal = key(secret).sign(&[&serde_json::to_string(&manifest)?]);
        Ok(manifest)
    }

    /// Writes the file durably.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let mut file = File::create(folder.join(MANIFEST))?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// Reads and authenticates the file.
    pub(super) fn read(folder: &Path, secret: &InstallationSecret) -> anyhow::Result<Self> {
        let path = folder.join(MANIFEST);
        let path = path.display();
        let text = fs::read_to_string(folder.join(MANIFEST)).with_context(|| path.to_string())?;
        let manifest: Self =
            serde_json::from_str(&text).with_context(|| format!("{path} is damaged"))?;
        ensure!(
            manifest.format == FORMAT,
            "{path} has format {}, and this program reads only format {FORMAT}: use the program that made the backup",
            manifest.format
        );
        let unsealed = Self {
            seal: String::new(),
            ..manifest.clone()
        };
        ensure!(
            key(secret).verify(&[&serde_json::to_string(&unsealed)?], &manifest.seal),
            "JORNADA_SECRET is not the one of the backup, or {path} was changed: use the settings (.env) of the site that was backed up"
        );
        Ok(manifest)
    }

    /// Returns the number of registrations and tombstones.
    pub fn registrations(&self) -> u64 {
        let table = self.tables.get(jornada_store::backup::REGISTRATIONS);
        table.map_or(0, |table| table.documents)
    }

    /// Returns the number of votes.
    pub fn votes(&self) -> u64 {
        self.tables.get("votes").map_or(0, |table| table.documents)
    }
}

fn key(secret: &InstallationSecret) -> DerivedKey {
    DerivedKey::derive(secret, "backup: manifest")
}
