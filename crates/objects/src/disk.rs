//! Photos and finished reports in a local folder, one file each, readable by the owner only.

mod file;

use std::fs::{DirBuilder, DirEntry, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio::task::spawn_blocking;

use super::encryption::{EncryptedPhoto, HEADER_BYTES, MAX_ENCRYPTED_BYTES};
use super::error::ObjectError;
use super::key::PhotoKey;

/// Object store in a local folder.
#[derive(Clone, Debug)]
pub struct DiskBackend {
    folder: PathBuf,
}

impl DiskBackend {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(super) async fn prepare(&self) -> Result<(), ObjectError> {
        let folder = self.folder.clone();
        run_blocking(move || create_folder(&folder)).await
    }

    /// Checks that the folder exists or can be created.
    pub(super) async fn try_put(&self) -> Result<(), ObjectError> {
        self.prepare().await
    }

    pub(super) async fn put(
        &self,
        key: &PhotoKey,
        photo: &EncryptedPhoto,
    ) -> Result<(), ObjectError> {
        let (path, photo) = (self.path(key), photo.clone());
        run_blocking(move || {
            // An existing file is complete and holds the same photo. The new time protects it from deletion as
            // orphaned.
            match File::options().write(true).open(&path) {
                Ok(file) => file.set_modified(SystemTime::now()),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    write_durably(&path, photo.bytes())
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Reads the header of an object.
    pub(super) async fn start(&self, key: &PhotoKey) -> Result<Option<Bytes>, ObjectError> {
        self.read(key, HEADER_BYTES).await
    }

    /// Sends the key of every photo, in any order.
    pub(super) async fn list(&self, keys: Sender<PhotoKey>) -> Result<(), ObjectError> {
        let folder = self.folder.clone();
        run_blocking(move || {
            visit_files(&folder, "", 0, &mut |name, _| {
                Ok(PhotoKey::parse(name).is_none_or(|key| keys.blocking_send(key).is_ok()))
            })
        })
        .await
    }

    pub(super) async fn put_at(&self, key: &PhotoKey) -> Result<Option<Timestamp>, ObjectError> {
        let path = self.path(key);
        run_blocking(move || match std::fs::metadata(&path) {
            Ok(known) => modified_at(&known).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    pub(super) async fn get(&self, key: &PhotoKey) -> Result<Option<Bytes>, ObjectError> {
        // One byte more than allowed reveals an oversized file.
        let found = self.read(key, MAX_ENCRYPTED_BYTES + 1).await?;
        if found
            .as_ref()
            .is_some_and(|kept| kept.len() > MAX_ENCRYPTED_BYTES)
        {
            return Err(ObjectError::Altered);
        }
        Ok(found)
    }

    /// Reads up to `max_bytes` bytes.
    async fn read(&self, key: &PhotoKey, max_bytes: usize) -> Result<Option<Bytes>, ObjectError> {
        let path = self.path(key);
        run_blocking(move || match File::open(&path) {
            Ok(file) => {
                let there = usize::try_from(file.metadata()?.len()).unwrap_or(max_bytes);
                let mut bytes = Vec::with_capacity(there.min(max_bytes));
                file.take(max_bytes as u64).read_to_end(&mut bytes)?;
                Ok(Some(bytes.into()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    pub(super) async fn remove(&self, key: &PhotoKey) -> Result<(), ObjectError> {
        let path = self.path(key);
        run_blocking(move || match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }

    pub(super) async fn ping(&self) -> Result<(), ObjectError> {
        let folder = self.folder.clone();
        run_blocking(move || std::fs::metadata(folder).map(drop)).await
    }

    fn path(&self, key: &PhotoKey) -> PathBuf {
        self.folder.join(key.to_string())
    }
}

/// Writes a temporary file, syncs it, renames it and syncs the folders: a power cut leaves the complete file or none.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    // Sync the three folders that may be new entries: registration, campaign, root.
    for folder in path.ancestors().skip(1).take(3) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn modified_at(known: &Metadata) -> io::Result<Timestamp> {
    Timestamp::try_from(known.modified()?).map_err(|_| ErrorKind::InvalidData.into())
}

/// Calls `take` with the name of every file up to two folders deep: campaign and registration, or campaign and job.
/// Stops when `take` returns false.
fn visit_files(
    folder: &Path,
    above: &str,
    depth: u8,
    take: &mut impl FnMut(&str, &DirEntry) -> io::Result<bool>,
) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        // The root must exist; other folders may be deleted meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound && !above.is_empty() => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let name = format!("{above}{name}");
        if depth < 2 && entry.file_type()?.is_dir() {
            visit_files(&entry.path(), &format!("{name}/"), depth + 1, take)?;
        } else if !take(&name, &entry)? {
            return Ok(());
        }
    }
    Ok(())
}

fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn create_file(path: &Path) -> io::Result<File> {
    let mut create = OpenOptions::new();
    create.write(true).create(true).truncate(true).mode(0o600);
    create.open(path)
}

async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ObjectError> {
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(ObjectError::Unavailable(error.kind().to_string())),
        Err(_) => Err(ObjectError::Failed("the file task was cancelled".into())),
    }
}
