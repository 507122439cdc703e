//! Pending deletions in SQLite: in the tombstones, or in a table of erased photos.

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::SqliteStore;
use super::row::{photo_ref, time};
use crate::{PendingDeletion, StoreError};
use jornada_domain::{CampaignId, RegistrationId};

impl SqliteStore {
    pub(crate) async fn pending_deletions(
        &self,
        until: Timestamp,
        limit: u8,
    ) -> Result<Vec<PendingDeletion>, StoreError> {
        let read = move |connection: &mut Connection| {
            let sql = "SELECT campaign, id, photo_sha256, photo_extension, photo_bytes, at \
                       FROM tombstones WHERE photo_sha256 IS NOT NULL AND at <= ?1 UNION ALL \
                       SELECT campaign, id, photo_sha256, photo_extension, photo_bytes, at \
                       FROM erased_photos WHERE at <= ?1 ORDER BY at, id LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let known = (until.as_millisecond(), limit);
            let rows = statement.query_map(known, |row| Ok(read_pending_deletion(row)))?;
            rows.map(|row| row?).collect()
        };
        self.readers.read(read).await
    }

    pub(crate) async fn count_pending_deletions(&self) -> Result<u64, StoreError> {
        let read = |connection: &mut Connection| {
            let sql = "SELECT (SELECT count(*) FROM tombstones WHERE photo_sha256 IS NOT NULL) \
                       + (SELECT count(*) FROM erased_photos)";
            let mut statement = connection.prepare_cached(sql)?;
            let count: i64 = statement.query_row((), |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        self.readers.read(read).await
    }

    pub(crate) async fn mark_deleted(&self, id: RegistrationId) -> Result<(), StoreError> {
        let note = move |connection: &Connection| {
            let sql = "UPDATE tombstones SET photo_sha256 = NULL, photo_extension = NULL, \
                       photo_bytes = NULL WHERE id = ?1";
            connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
            let sql = "DELETE FROM erased_photos WHERE id = ?1";
            connection.prepare_cached(sql)?.execute([id.as_bytes()])?;
            Ok(())
        };
        self.writer.write(note).await
    }
}

/// Reads `campaign, id, photo_sha256, photo_extension, photo_bytes, at`.
fn read_pending_deletion(row: &Row<'_>) -> Result<PendingDeletion, StoreError> {
    let campaign: String = row.get(0)?;
    Ok(PendingDeletion {
        campaign: CampaignId::parse(&campaign).ok_or_else(|| StoreError::malformed("campaign"))?,
        id: RegistrationId::from_bytes(row.get(1)?),
        photo: photo_ref(row, 2)?,
        deleted_at: time(row.get(5)?)?,
    })
}
