//! Table and size of the buffer in SQLite.

use rusqlite::Row;

use super::PhotoBufferSize;
use crate::error::Result;
use crate::sqlite::convert::count;
use crate::sqlite::handle::SqliteStore;

impl SqliteStore {
    pub(crate) async fn buffer_totals(&self) -> Result<PhotoBufferSize> {
        // The size is stored before the bytes: the photos are not read.
        let sql = "SELECT count(*), ifnull(sum(size), 0) FROM pending_photos";
        let read = |row: &Row<'_>| {
            let (photos, bytes) = (count(row, 0)?, count(row, 1)?);
            Ok(PhotoBufferSize { photos, bytes })
        };
        Ok(self.query(sql, (), read).await?.pop().unwrap_or_default())
    }
}
