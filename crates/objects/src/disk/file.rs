//! Report files in the local folder: copied in pieces, never read into memory as a whole.

use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::path::Path;

use jiff::Timestamp;
use tokio::sync::mpsc::Sender;

use super::{DiskBackend, create_folder, modified_at, run_blocking, visit_files};
use crate::ObjectError;
use crate::encryption::EncryptedFile;
use crate::key::{FileKey, ObjectReader, REPORTS_PREFIX};

/// File name extension of an unfinished file.
const PART_EXTENSION: &str = "part";

impl DiskBackend {
    pub(crate) async fn put_file(
        &self,
        key: &FileKey,
        encrypted: &EncryptedFile,
    ) -> Result<(), ObjectError> {
        let path = self.folder.join(key.to_string());
        let (file, bytes) = (encrypted.file().try_clone(), encrypted.bytes);
        run_blocking(move || copy_durably(&path, file?, bytes)).await
    }

    pub(crate) async fn file(
        &self,
        key: &FileKey,
    ) -> Result<Option<(u64, ObjectReader)>, ObjectError> {
        let path = self.folder.join(key.to_string());
        let open = move || match File::open(&path) {
            Ok(file) => Ok(Some((file.metadata()?.len(), file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let found = run_blocking(open).await?;
        Ok(found.map(|(bytes, file)| {
            let reading: ObjectReader = Box::pin(tokio::fs::File::from_std(file));
            (bytes, reading)
        }))
    }

    /// Sends the key of every report file with its modification time. An unfinished file is reported under the key of a
    /// CSV file; removing that key removes both.
    pub(crate) async fn list_files(
        &self,
        files: Sender<(FileKey, Timestamp)>,
    ) -> Result<(), ObjectError> {
        let folder = self.folder.join(REPORTS_PREFIX);
        run_blocking(move || {
            visit_files(
                &folder,
                &format!("{REPORTS_PREFIX}/"),
                0,
                &mut |name, entry| {
                    let finished = name
                        .strip_suffix(PART_EXTENSION)
                        .map(|stem| format!("{stem}csv"));
                    let Some(key) = FileKey::parse(finished.as_deref().unwrap_or(name)) else {
                        return Ok(true);
                    };
                    match entry.metadata() {
                        Ok(known) => Ok(files.blocking_send((key, modified_at(&known)?)).is_ok()),
                        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
                        Err(error) => Err(error),
                    }
                },
            )
        })
        .await
    }

    pub(crate) async fn remove_file(&self, key: &FileKey) -> Result<(), ObjectError> {
        let path = self.folder.join(key.to_string());
        run_blocking(move || {
            for path in [&path, &part_path(&path)] {
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            // Fails, as intended, while the folder holds the file of another attempt.
            path.parent().map(std::fs::remove_dir);
            Ok(())
        })
        .await
    }
}

/// Returns the path of the unfinished file. It is always the same one, so an interrupted write is overwritten.
fn part_path(path: &Path) -> std::path::PathBuf {
    path.with_extension(PART_EXTENSION)
}

/// Copies a file durably: a power cut leaves the complete file or none.
fn copy_durably(path: &Path, mut from: File, bytes: u64) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let part = part_path(path);
    let mut to = super::create_file(&part)?;
    from.rewind()?;
    if io::copy(&mut from, &mut to)? != bytes {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    to.sync_all()?;
    std::fs::rename(&part, path)?;
    // From the job's folder up to the root.
    for folder in path.ancestors().skip(1).take(4) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
