//! Buffered photos in SQLite.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use super::row::format;
use crate::{BufferTotals, BufferedPhoto, BufferedPhotoKey, StoreError};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};

pub(super) fn insert(connection: &Connection, photo: &BufferedPhoto) -> Result<(), StoreError> {
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
}

pub(super) fn find_bytes(
    connection: &Connection,
    key: &BufferedPhotoKey,
) -> Result<Option<Bytes>, StoreError> {
    let sql = "SELECT bytes FROM pending_photos WHERE id = ?1 AND sha256 = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row((key.id.as_bytes(), key.sha256), |row| {
        row.get::<_, Vec<u8>>(0)
    });
    Ok(found.optional()?.map(Bytes::from))
}

/// Returns photos in order of their keys.
pub(super) fn list_after(
    connection: &Connection,
    after: Option<&BufferedPhotoKey>,
    limit: u8,
) -> Result<Vec<BufferedPhoto>, StoreError> {
    let sql = "SELECT id, sha256, campaign, extension, bytes FROM pending_photos \
               WHERE ?1 IS NULL OR (id, sha256) > (?1, ?2) ORDER BY id, sha256 LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((
        after.map(|key| *key.id.as_bytes()),
        after.map(|key| key.sha256),
        limit,
    ))?;
    let mut photos = Vec::new();
    while let Some(row) = rows.next()? {
        photos.push(read_photo(row)?);
    }
    Ok(photos)
}

fn read_photo(row: &Row<'_>) -> Result<BufferedPhoto, StoreError> {
    let campaign: String = row.get(2)?;
    let bytes = Bytes::from(row.get::<_, Vec<u8>>(4)?);
    Ok(BufferedPhoto {
        campaign: CampaignId::parse(&campaign).ok_or_else(|| StoreError::malformed("campaign"))?,
        id: RegistrationId::from_bytes(row.get(0)?),
        photo: PhotoRef {
            sha256: row.get(1)?,
            format: format(row.get_ref(3)?)?,
            bytes: bytes.len() as u64,
        },
        bytes,
    })
}

/// Returns whether the photo was there.
pub(super) fn remove(connection: &Connection, key: &BufferedPhotoKey) -> Result<bool, StoreError> {
    let sql = "DELETE FROM pending_photos WHERE id = ?1 AND sha256 = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute((key.id.as_bytes(), key.sha256))? > 0)
}

pub(super) fn totals(connection: &Connection) -> Result<BufferTotals, StoreError> {
    // SQLite stores the length before the value: the photos are not read.
    let sql = "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM pending_photos";
    let mut statement = connection.prepare_cached(sql)?;
    let (photos, bytes): (i64, i64) =
        statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(BufferTotals {
        photos: photos.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
    })
}
