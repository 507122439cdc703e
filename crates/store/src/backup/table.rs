//! The documents of a table, read as of one moment.

use std::fmt;

use futures_util::StreamExt;
use mongodb::bson::{RawBsonRef, RawDocument, Timestamp};
use mongodb::raw_batch_cursor::RawBatchCursor;

use crate::error::{Result, StoreError};
use crate::time_limit::{COUNT_TIMEOUT, with_timeout};

/// A moment as of which all tables are read.
#[derive(Clone, Copy, Debug)]
pub struct BackupTime(pub(crate) Timestamp);

/// Documents one after the other, as bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Documents {
    /// Their number.
    pub count: u64,
    /// BSON.
    pub bytes: Vec<u8>,
}

/// The documents of a table, in batches of at most 16 MiB.
pub struct TableReader(pub(crate) RawBatchCursor);

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Documents({}, {} bytes)", self.count, self.bytes.len())
    }
}

impl fmt::Debug for TableReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TableReader")
    }
}

impl TableReader {
    /// Returns the next documents; `None` after the last ones.
    pub async fn next(&mut self) -> Result<Option<Documents>> {
        let next = async { Ok::<_, StoreError>(self.0.next().await) };
        let Some(batch) = with_timeout(COUNT_TIMEOUT, next).await? else {
            return Ok(None);
        };
        let batch = batch?;
        let mut documents = Documents::default();
        for document in batch.doc_slices()? {
            let document = document.ok().and_then(RawBsonRef::as_document);
            let document = document.ok_or_else(|| StoreError::malformed("shape"))?;
            documents.count += 1;
            documents.bytes.extend(RawDocument::as_bytes(document));
        }
        Ok(Some(documents))
    }
}

/// Returns why a backup of SQLite is not made, and what to do.
pub(crate) fn of_sqlite() -> StoreError {
    let message = "backups are made of MongoDB; of SQLite: sqlite3 FILE \"VACUUM INTO 'COPY'\", then copy the photos";
    StoreError::Failed(message.into())
}
