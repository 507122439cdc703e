//! Pending deletions in SQLite: in the tombstones, or in a table of erased photos.

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::PendingPhotoDeletion;
use crate::error::Result;
use crate::photos::buffer::BufferedPhotoKey;
use crate::sqlite::convert;
use crate::sqlite::convert::{count, photo_ref, registration_id, time};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::{CampaignId, RegistrationId};

impl SqliteStore {
    pub(crate) async fn pending_deletions(
        &self,
        until: Timestamp,
        limit: u8,
    ) -> Result<Vec<PendingPhotoDeletion>> {
        let sql = "SELECT campaign, id, photo_sha256, photo_extension, photo_bytes, at \
                   FROM tombstones WHERE photo_sha256 IS NOT NULL AND at <= ?1 UNION ALL \
                   SELECT campaign, id, photo_sha256, photo_extension, photo_bytes, at \
                   FROM erased_photos WHERE at <= ?1 ORDER BY at, id LIMIT ?2";
        let bounds = (until.as_millisecond(), limit);
        self.query(sql, bounds, read_pending_deletion).await
    }

    pub(crate) async fn count_pending_deletions(&self) -> Result<u64> {
        let sql = "SELECT (SELECT count(*) FROM tombstones WHERE photo_sha256 IS NOT NULL) \
                   + (SELECT count(*) FROM erased_photos)";
        let counts = self.query(sql, (), |row| Ok(count(row, 0)?)).await?;
        Ok(counts.into_iter().sum())
    }

    pub(crate) async fn mark_deleted(&self, id: RegistrationId) -> Result<()> {
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

    pub(crate) async fn mark_photo_erased(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool> {
        let (campaign, at) = (campaign.as_str().to_owned(), at.as_millisecond());
        let erase = move |connection: &Connection| {
            let sql = "INSERT OR REPLACE INTO erased_photos \
                       SELECT id, campaign, photo_sha256, photo_extension, photo_bytes, ?3 \
                       FROM registrations \
                       WHERE id = ?1 AND campaign = ?2 AND photo_sha256 IS NOT NULL";
            let mut statement = connection.prepare_cached(sql)?;
            if statement.execute((id.as_bytes(), &campaign, at))? == 0 {
                return Ok(false);
            }
            let sql = "UPDATE registrations SET photo_sha256 = NULL, photo_extension = NULL, \
                       photo_bytes = NULL, photo_erased_at = ?2 WHERE id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute((id.as_bytes(), at))?;
            Ok(true)
        };
        self.writer.write(erase).await
    }

    pub(crate) async fn is_photo_referenced(&self, photo: BufferedPhotoKey) -> Result<bool> {
        let sql = "SELECT 1 FROM pending_photos WHERE id = ?3 UNION ALL \
                   SELECT 1 FROM registrations WHERE id = ?1 AND photo_sha256 = ?2 \
                   AND received_at = ?4 UNION ALL \
                   SELECT 1 FROM tombstones WHERE id = ?1 AND photo_sha256 = ?2 UNION ALL \
                   SELECT 1 FROM erased_photos WHERE id = ?1 AND photo_sha256 = ?2";
        let received_at = photo.received_at.as_millisecond();
        let (id, sha256) = (*photo.id.as_bytes(), photo.sha256);
        let photo = (id, sha256, photo.to_bytes(), received_at);
        Ok(!self.query(sql, photo, |_| Ok(())).await?.is_empty())
    }
}

/// Reads `campaign, id, photo_sha256, photo_extension, photo_bytes, at`.
fn read_pending_deletion(row: &Row<'_>) -> Result<PendingPhotoDeletion> {
    Ok(PendingPhotoDeletion {
        campaign: convert::campaign(row, 0)?,
        id: registration_id(row, 1)?,
        photo: photo_ref(row, 2)?,
        deleted_at: time(row.get(5)?)?,
    })
}
