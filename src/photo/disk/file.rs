//! Files of any size in the folder: copied, never read whole.

use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::path::Path;

use super::{DiskPhotos, blocking, make_folder};
use crate::photo::PhotosError;
use crate::photo::file::{FileKey, Reading};
use crate::photo::seal::SealedFile;

impl DiskPhotos {
    pub(in crate::photo) async fn put_file(
        &self,
        key: &FileKey,
        sealed: &SealedFile,
    ) -> Result<(), PhotosError> {
        let path = self.folder.join(key.to_string());
        let (file, bytes) = (sealed.file().try_clone(), sealed.bytes);
        blocking(move || copy_durably(&path, file?, bytes)).await
    }

    pub(in crate::photo) async fn file(
        &self,
        key: &FileKey,
    ) -> Result<Option<(u64, Reading)>, PhotosError> {
        let path = self.folder.join(key.to_string());
        let open = move || match File::open(&path) {
            Ok(file) => Ok(Some((file.metadata()?.len(), file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let found = blocking(open).await?;
        Ok(found.map(|(bytes, file)| {
            let reading: Reading = Box::pin(tokio::fs::File::from_std(file));
            (bytes, reading)
        }))
    }

    pub(in crate::photo) async fn remove_file(&self, key: &FileKey) -> Result<(), PhotosError> {
        let path = self.folder.join(key.to_string());
        blocking(move || {
            for path in [&path, &unfinished(&path)] {
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            // It stays while another attempt's file is in it.
            path.parent().map(std::fs::remove_dir);
            Ok(())
        })
        .await
    }
}

/// Where a file is written until it is whole. Always the same one: nothing is left of a write that broke off.
fn unfinished(path: &Path) -> std::path::PathBuf {
    path.with_extension("part")
}

/// As a photo is written: after a power cut the whole file is there, or nothing.
fn copy_durably(path: &Path, mut from: File, bytes: u64) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let part = unfinished(path);
    let mut to = super::create(&part)?;
    from.rewind()?;
    if io::copy(&mut from, &mut to)? != bytes {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    to.sync_all()?;
    std::fs::rename(&part, path)?;
    // From the job's folder to the root of all.
    for folder in path.ancestors().skip(1).take(4) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
