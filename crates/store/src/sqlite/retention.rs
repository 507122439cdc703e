//! Deletes expired data in SQLite.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension};

use super::SqliteStore;
use super::row::{photo_ref, time};
use crate::StoreError;
use jornada_domain::history::ErasedPhoto;
use jornada_domain::{CampaignId, RegistrationId};

/// Photos past their retention, until they are deleted from the object store; their registrations remain.
pub(super) const TABLES: &str = "
CREATE TABLE erased_photos (
    id BLOB PRIMARY KEY, -- of the registration
    campaign TEXT NOT NULL,
    photo_sha256 BLOB NOT NULL,
    photo_extension TEXT NOT NULL,
    photo_bytes INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_photos_by_age ON erased_photos (at, id);
";

impl SqliteStore {
    pub(crate) async fn mark_photo_erased(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
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

    pub(crate) async fn is_photo_referenced(
        &self,
        id: RegistrationId,
        sha256: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let sha256 = *sha256;
        let read = move |connection: &mut Connection| {
            let among = |table| {
                format!("EXISTS (SELECT 1 FROM {table} WHERE id = ?1 AND photo_sha256 = ?2)")
            };
            let tables = ["registrations", "tombstones", "erased_photos"].map(among);
            let waits = "EXISTS (SELECT 1 FROM pending_photos WHERE id = ?1 AND sha256 = ?2)";
            let sql = format!("SELECT {waits} OR {}", tables.join(" OR "));
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row((id.as_bytes(), sha256), |row| row.get(0))?)
        };
        self.readers.read(read).await
    }

    pub(crate) async fn delete_expired_links(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sweep = move |connection: &Connection| {
            let sql = "UPDATE accounts SET link = NULL, link_expires_at = NULL, \
                       version = version + 1 WHERE link_expires_at <= ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(count(statement.execute([now.as_millisecond()])?))
        };
        self.writer.write(sweep).await
    }

    pub(crate) async fn delete_expired_rejections(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64, StoreError> {
        let (campaign, before) = (campaign.as_str().to_owned(), before.to_string());
        let sweep = move |connection: &Connection| {
            let sql = "DELETE FROM refusals WHERE campaign = ?1 AND day < ?2";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(count(statement.execute((&campaign, &before))?))
        };
        self.writer.write(sweep).await
    }
}

/// Reads the state of a photo that was erased at `at`.
pub(super) fn read_erased_photo(
    connection: &Connection,
    id: RegistrationId,
    at: Option<i64>,
) -> Result<Option<ErasedPhoto>, StoreError> {
    let Some(at) = at else {
        return Ok(None);
    };
    let sql = "SELECT photo_sha256, photo_extension, photo_bytes FROM erased_photos WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let unremoved = statement.query_row([id.as_bytes()], |row| Ok(photo_ref(row, 0)));
    Ok(Some(ErasedPhoto {
        at: time(at)?,
        pending_deletion: unremoved.optional()?.transpose()?,
    }))
}

fn count(rows: usize) -> u64 {
    rows as u64
}
