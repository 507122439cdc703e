//! Buffered photos in SQLite.

use bytes::Bytes;
use rusqlite::{Connection, Row};

use super::{BufferTotals, BufferedPhoto, BufferedPhotoKey};
use crate::error::Result;
use crate::sqlite::convert::{campaign, count, format, registration_id};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::registration::PhotoRef;

pub(crate) const TABLES: &str = "
CREATE TABLE pending_photos (
    id BLOB NOT NULL, -- of the registration
    sha256 BLOB NOT NULL,
    campaign TEXT NOT NULL,
    extension TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (id, sha256)
) STRICT;
";

impl SqliteStore {
    pub(crate) async fn buffer_photo(&self, photo: &BufferedPhoto) -> Result<()> {
        let photo = photo.clone();
        let insert = move |connection: &Connection| {
            let sql = "INSERT INTO pending_photos (id, sha256, campaign, extension, bytes) \
                       VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id, sha256) DO NOTHING";
            connection.prepare_cached(sql)?.execute((
                photo.id.as_bytes(),
                photo.photo.sha256,
                photo.campaign.as_str(),
                photo.photo.format.extension(),
                &photo.bytes[..],
            ))?;
            Ok(())
        };
        self.writer.write(insert).await
    }

    pub(crate) async fn buffered_photo(&self, key: BufferedPhotoKey) -> Result<Option<Bytes>> {
        let sql = "SELECT bytes FROM pending_photos WHERE id = ?1 AND sha256 = ?2";
        let read = |row: &Row<'_>| Ok(Bytes::from(row.get::<_, Vec<u8>>(0)?));
        let found = self.query(sql, (*key.id.as_bytes(), key.sha256), read);
        Ok(found.await?.pop())
    }

    pub(crate) async fn buffered_photos(
        &self,
        after: Option<BufferedPhotoKey>,
        limit: u8,
    ) -> Result<Vec<BufferedPhoto>> {
        let sql = "SELECT id, sha256, campaign, extension, bytes FROM pending_photos \
                   WHERE ?1 IS NULL OR (id, sha256) > (?1, ?2) ORDER BY id, sha256 LIMIT ?3";
        let (id, sha256) = after.map(|key| (*key.id.as_bytes(), key.sha256)).unzip();
        self.query(sql, (id, sha256, limit), read_photo).await
    }

    pub(crate) async fn remove_buffered_photo(&self, key: BufferedPhotoKey) -> Result<bool> {
        let sql = "DELETE FROM pending_photos WHERE id = ?1 AND sha256 = ?2";
        Ok(self.execute(sql, (*key.id.as_bytes(), key.sha256)).await? > 0)
    }

    pub(crate) async fn buffer_totals(&self) -> Result<BufferTotals> {
        // SQLite stores the length before the value: the photos are not read.
        let sql = "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM pending_photos";
        let read = |row: &Row<'_>| {
            let (photos, bytes) = (count(row, 0)?, count(row, 1)?);
            Ok(BufferTotals { photos, bytes })
        };
        Ok(self.query(sql, (), read).await?.pop().unwrap_or_default())
    }
}

fn read_photo(row: &Row<'_>) -> Result<BufferedPhoto> {
    let bytes = Bytes::from(row.get::<_, Vec<u8>>(4)?);
    Ok(BufferedPhoto {
        campaign: campaign(row, 2)?,
        id: registration_id(row, 0)?,
        photo: PhotoRef {
            sha256: row.get(1)?,
            format: format(row.get_ref(3)?)?,
            bytes: bytes.len() as u64,
        },
        bytes,
    })
}
