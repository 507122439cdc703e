//! Finished reports, in the same folder or bucket as the photos, under a name that no campaign can have. They go there
//! and come back as streams: none is ever whole in memory.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::io::AsyncRead;
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

use super::keep::ask;
use super::{Photos, PhotosError};
use crate::domain::Job;
use crate::domain::job::JobFile;

/// Bytes read at a time.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// Longest wait for the next bytes of a file.
const STALLED: Duration = Duration::from_secs(30);

/// `_reports/{campaign}/{job}/{attempt}.{ext}`: an attempt that was given up writes over no other's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileKey(String);

impl FileKey {
    /// The key of the file that this attempt at a job makes.
    #[must_use]
    pub fn of(job: &Job, attempt: u32) -> Self {
        let (campaign, extension) = (&job.wanted.campaign, job.wanted.format.extension());
        Self(format!(
            "_reports/{campaign}/{}/{attempt}.{extension}",
            job.id
        ))
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file that is read.
pub(super) type Reading = Pin<Box<dyn AsyncRead + Send>>;

impl Photos {
    /// Keeps a file durably, from its start. Putting it again writes over it, whole or not at all.
    ///
    /// # Errors
    /// [`PhotosError`]; the file may or may not be there, and putting it again is right.
    pub async fn put_file(
        &self,
        key: &FileKey,
        file: &File,
        known: &JobFile,
    ) -> Result<(), PhotosError> {
        ask!(self.put_file(key, file, known))
    }

    /// Reads a file back as a stream that fails before its last bytes if they are not those that were put; `None` when
    /// there is none.
    ///
    /// # Errors
    /// [`PhotosError`], also when its length is another one.
    pub async fn file(
        &self,
        key: &FileKey,
        known: JobFile,
    ) -> Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + 'static>, PhotosError> {
        match ask!(self.file(key))? {
            None => Ok(None),
            Some((bytes, _)) if bytes != known.bytes => Err(PhotosError::Altered),
            Some((_, reading)) => Ok(Some(checked(reading, known))),
        }
    }

    /// Removes a file; removing one that is not there is no error.
    ///
    /// # Errors
    /// [`PhotosError`].
    pub async fn remove_file(&self, key: &FileKey) -> Result<(), PhotosError> {
        ask!(self.remove_file(key))
    }
}

/// A stream on its way, and what is still to come of it.
struct Checked {
    chunks: ReaderStream<Reading>,
    so_far: Sha256,
    left: u64,
    known: JobFile,
}

fn checked(reading: Reading, known: JobFile) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let start = Checked {
        chunks: ReaderStream::with_capacity(reading, CHUNK_BYTES),
        so_far: Sha256::new(),
        left: known.bytes,
        known,
    };
    stream::try_unfold(start, async |mut checked: Checked| {
        if checked.left == 0 {
            return Ok(None);
        }
        let chunk = checked.next().await?;
        Ok(Some((chunk, checked)))
    })
}

impl Checked {
    async fn next(&mut self) -> io::Result<Bytes> {
        let next = timeout(STALLED, self.chunks.next()).await;
        let next = next.map_err(|_| ErrorKind::TimedOut)?;
        let chunk = next.ok_or(ErrorKind::UnexpectedEof)??;
        let left = self.left.checked_sub(chunk.len() as u64);
        self.left = left.ok_or(ErrorKind::InvalidData)?;
        self.so_far.update(&chunk);
        let is_altered = || self.so_far.clone().finalize().as_slice() != self.known.sha256;
        if self.left == 0 && is_altered() {
            return Err(ErrorKind::InvalidData.into());
        }
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    async fn read(bytes: &'static [u8], known: JobFile) -> Result<Vec<u8>, (ErrorKind, usize)> {
        let mut whole = Vec::new();
        let mut chunks = std::pin::pin!(checked(Box::pin(bytes), known));
        loop {
            match chunks.try_next().await {
                Ok(Some(chunk)) => whole.extend(chunk),
                Ok(None) => return Ok(whole),
                Err(error) => return Err((error.kind(), whole.len())),
            }
        }
    }

    #[tokio::test]
    async fn another_file_never_comes_whole() {
        static LONG: [u8; CHUNK_BYTES + 5] = [7; CHUNK_BYTES + 5];
        let known = JobFile {
            bytes: LONG.len() as u64,
            sha256: Sha256::digest(LONG).into(),
        };
        assert_eq!(read(&LONG, known).await.unwrap(), LONG);
        let altered = JobFile {
            sha256: [0; 32],
            ..known
        };
        let told = read(&LONG, altered).await;
        assert_eq!(told, Err((ErrorKind::InvalidData, CHUNK_BYTES)));
        let told = read(&LONG[..CHUNK_BYTES], known).await;
        assert_eq!(told, Err((ErrorKind::UnexpectedEof, CHUNK_BYTES)));
        let shorter = JobFile { bytes: 3, ..known };
        assert_eq!(read(&LONG, shorter).await, Err((ErrorKind::InvalidData, 0)));
    }
}
