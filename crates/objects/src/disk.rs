//! Photos and finished reports in a local folder, one file each, readable by the owner only. Report files are copied in
//! pieces, never read into memory as a whole.

use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use tempfile::{Builder, NamedTempFile};
use tokio::sync::mpsc::Sender;
use tokio::task::spawn_blocking;
use walkdir::WalkDir;

use super::encryption::{EncryptedFile, EncryptedPhoto, MAX_ENCRYPTED_BYTES};
use super::error::{ObjectError, Result, with_timeout};
use super::key::{ObjectKey, ObjectReader};

/// Maximum duration of the reading of a photo, for example from a network file system.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// File name extension of an unfinished report file.
const PART_EXTENSION: &str = "part";
/// Folder of unfinished photos; no campaign can have this name.
const PARTS_FOLDER: &str = "_parts";
/// Folders above a report file: prefix, campaign and job.
const MAX_FOLDERS: usize = 3;

/// Object store in a local folder.
#[derive(Clone, Debug)]
pub struct DiskBackend {
    folder: PathBuf,
    /// Whether each object is on stable storage when `put` returns.
    syncs: bool,
}

impl DiskBackend {
    pub(super) fn new(folder: &Path, syncs: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            syncs,
        }
    }

    /// Puts everything on the file system of the folder on stable storage.
    pub(super) async fn sync(&self) -> Result<()> {
        let folder = self.folder.clone();
        run_blocking(move || Ok(rustix::fs::syncfs(File::open(folder)?)?)).await
    }

    pub(super) async fn prepare(&self) -> Result<()> {
        let folder = self.folder.clone();
        run_blocking(move || create_folder(&folder)).await
    }

    /// Checks that the folder exists or can be created.
    pub(super) async fn try_put(&self) -> Result<()> {
        self.prepare().await
    }

    pub(super) async fn put(&self, key: &ObjectKey, photo: &EncryptedPhoto) -> Result<()> {
        let (root, path) = (self.folder.clone(), self.path(key));
        let (photo, syncs) = (photo.clone(), self.syncs);
        run_blocking(move || {
            // An existing file is complete and holds the same photo. The new time protects it from deletion as
            // orphaned.
            if let Some(file) = if_exists(File::options().write(true).open(&path))? {
                return file.set_modified(SystemTime::now());
            }
            let parts = root.join(PARTS_FOLDER);
            let create = |_: &Path| {
                create_folder(&parts)?;
                NamedTempFile::new_in(&parts)
            };
            let write = |file: &mut File| file.write_all(photo.bytes());
            write_whole((&root, syncs), &path, create, write)
        })
        .await
    }

    pub(super) async fn put_file(&self, key: &ObjectKey, encrypted: &EncryptedFile) -> Result<()> {
        let (root, path) = (self.folder.clone(), self.path(key));
        let (from, bytes) = (encrypted.file().try_clone(), encrypted.bytes);
        run_blocking(move || {
            let mut from = from?;
            from.rewind()?;
            let create = |folder: &Path| create_part(folder, &path);
            write_whole((&root, true), &path, create, |file| {
                if io::copy(&mut from, file)? == bytes {
                    Ok(())
                } else {
                    Err(ErrorKind::UnexpectedEof.into())
                }
            })
        })
        .await
    }

    /// Reads the first `bytes` bytes of a photo, or all of it up to one byte more than a photo may have.
    pub(super) async fn read(
        &self,
        key: &ObjectKey,
        bytes: Option<usize>,
    ) -> Result<Option<Bytes>> {
        let (path, limit) = (self.path(key), bytes.unwrap_or(MAX_ENCRYPTED_BYTES + 1));
        let read = run_blocking(move || {
            let Some(file) = if_exists(File::open(&path))? else {
                return Ok(None);
            };
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(limit);
            let mut read = Vec::with_capacity(length.min(limit));
            file.take(limit as u64).read_to_end(&mut read)?;
            Ok(Some(read.into()))
        });
        with_timeout(READ_TIMEOUT, read).await
    }

    /// Returns length and reader of a report file.
    pub(super) async fn open(&self, key: &ObjectKey) -> Result<Option<(u64, ObjectReader)>> {
        let path = self.path(key);
        let open = move || {
            let file = if_exists(File::open(&path))?;
            file.map(|file| Ok((file.metadata()?.len(), file)))
                .transpose()
        };
        let found = run_blocking(open).await?;
        Ok(found.map(|(length, file)| {
            let reader: ObjectReader = Box::pin(tokio::fs::File::from_std(file));
            (length, reader)
        }))
    }

    /// Sends the key of every object under a prefix with its modification time, in any order. An unfinished report file
    /// is listed under the key of a CSV file; removing that key removes both.
    pub(super) async fn list(
        &self,
        prefix: String,
        objects: Sender<(ObjectKey, Timestamp)>,
    ) -> Result<()> {
        let root = self.folder.clone();
        run_blocking(move || {
            for entry in WalkDir::new(root.join(prefix)).max_depth(MAX_FOLDERS + 1) {
                let entry = match entry.map_err(io::Error::from) {
                    // The root must exist; other folders may be deleted meanwhile.
                    Err(error) if error.kind() == ErrorKind::NotFound && root.exists() => continue,
                    entry => entry?,
                };
                let name = entry.path().strip_prefix(&root).ok();
                let Some(key) = name.and_then(Path::to_str).and_then(parse_key) else {
                    continue;
                };
                let modified = modified_at(entry.metadata().map_err(io::Error::from))?;
                if modified.is_some_and(|at| objects.blocking_send((key, at)).is_err()) {
                    break;
                }
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn remove(&self, key: &ObjectKey) -> Result<()> {
        let path = self.path(key);
        let is_report = matches!(key, ObjectKey::Report { .. });
        run_blocking(move || {
            if_exists(std::fs::remove_file(&path))?;
            if is_report {
                if_exists(std::fs::remove_file(path.with_extension(PART_EXTENSION)))?;
                // Fails, as intended, while the folder holds the file of another attempt.
                path.parent().map(std::fs::remove_dir);
            }
            Ok(())
        })
        .await
    }

    /// Deletes photos whose writing was interrupted before this time.
    pub(super) async fn remove_unfinished(&self, before: Timestamp) -> Result<()> {
        let parts = self.folder.join(PARTS_FOLDER);
        run_blocking(move || {
            for entry in if_exists(std::fs::read_dir(parts))?.into_iter().flatten() {
                let entry = entry?;
                if modified_at(entry.metadata())?.is_some_and(|at| at < before) {
                    if_exists(std::fs::remove_file(entry.path()))?;
                }
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn ping(&self) -> Result<()> {
        let folder = self.folder.clone();
        run_blocking(move || std::fs::metadata(folder).map(drop)).await
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.folder.join(key.to_string())
    }
}

/// Writes a temporary file, syncs it, renames it and syncs the folders: a power cut leaves the complete file or none.
/// Without `syncs` only a crash of the process does.
fn write_whole(
    (root, syncs): (&Path, bool),
    path: &Path,
    create: impl FnOnce(&Path) -> io::Result<NamedTempFile>,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut file = create(folder)?;
    write(file.as_file_mut())?;
    if syncs {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|failed| failed.error)?;
    if !syncs {
        return Ok(());
    }
    // Sync the folders that may have new entries, up to the root.
    let mut folders = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root));
    folders.try_for_each(|folder| File::open(folder)?.sync_all())
}

/// Creates an unfinished report file. Its name is always the same, so that an interrupted write is overwritten.
fn create_part(folder: &Path, path: &Path) -> io::Result<NamedTempFile> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let (stem, suffix) = (path.file_stem(), format!(".{PART_EXTENSION}"));
    Builder::new()
        .prefix(stem.unwrap_or_default())
        .suffix(&suffix)
        .rand_bytes(0)
        .make_in(folder, |part| options.open(part))
}

/// Parses the name of an object or of an unfinished report file.
fn parse_key(name: &str) -> Option<ObjectKey> {
    match name.strip_suffix(PART_EXTENSION) {
        Some(stem) => ObjectKey::parse(&format!("{stem}csv")),
        None => ObjectKey::parse(name),
    }
}

fn modified_at(known: io::Result<Metadata>) -> io::Result<Option<Timestamp>> {
    let Some(known) = if_exists(known)? else {
        return Ok(None);
    };
    let at = Timestamp::try_from(known.modified()?);
    at.map(Some).map_err(|_| ErrorKind::InvalidData.into())
}

/// Returns `None` if the file does not exist.
fn if_exists<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(ObjectError::Unavailable(error.kind().to_string())),
        Err(_) => Err(ObjectError::Failed("the file task was cancelled".into())),
    }
}
