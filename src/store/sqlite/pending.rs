//! Buffered photos in SQLite.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::domain::registration::PhotoRef;
use crate::domain::{CampaignId, RegistrationId};
use crate::store::{Pending, PendingKey, PendingPhoto, StoreError};

pub(super) fn keep(connection: &Connection, pending: &PendingPhoto) -> Result<(), StoreError> {
    let sql = "INSERT INTO pending_photos (id, sha256, campaign, extension, bytes) \
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id, sha256) DO NOTHING";
    connection.prepare_cached(sql)?.execute((
        pending.id.as_bytes(),
        pending.photo.sha256,
        pending.campaign.as_str(),
        &pending.photo.extension,
        &pending.bytes[..],
    ))?;
    Ok(())
}

pub(super) fn bytes(
    connection: &Connection,
    key: &PendingKey,
) -> Result<Option<Bytes>, StoreError> {
    let sql = "SELECT bytes FROM pending_photos WHERE id = ?1 AND sha256 = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row((key.id.as_bytes(), key.sha256), |row| {
        row.get::<_, Vec<u8>>(0)
    });
    Ok(found.optional()?.map(Bytes::from))
}

/// Returns photos in order of their keys.
pub(super) fn after(
    connection: &Connection,
    after: Option<&PendingKey>,
    most: u8,
) -> Result<Vec<PendingPhoto>, StoreError> {
    let sql = "SELECT id, sha256, campaign, extension, bytes FROM pending_photos \
               WHERE ?1 IS NULL OR (id, sha256) > (?1, ?2) ORDER BY id, sha256 LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((
        after.map(|key| *key.id.as_bytes()),
        after.map(|key| key.sha256),
        most,
    ))?;
    let mut photos = Vec::new();
    while let Some(row) = rows.next()? {
        photos.push(pending(row)?);
    }
    Ok(photos)
}

fn pending(row: &Row<'_>) -> Result<PendingPhoto, StoreError> {
    let campaign: String = row.get(2)?;
    let bytes = Bytes::from(row.get::<_, Vec<u8>>(4)?);
    Ok(PendingPhoto {
        campaign: CampaignId::parse(&campaign).ok_or_else(|| StoreError::malformed("campaign"))?,
        id: RegistrationId::from_bytes(row.get(0)?),
        photo: PhotoRef {
            sha256: row.get(1)?,
            extension: row.get(3)?,
            bytes: bytes.len() as u64,
        },
        bytes,
    })
}

/// Returns whether the photo was there.
pub(super) fn remove(connection: &Connection, key: &PendingKey) -> Result<bool, StoreError> {
    let sql = "DELETE FROM pending_photos WHERE id = ?1 AND sha256 = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute((key.id.as_bytes(), key.sha256))? > 0)
}

pub(super) fn all(connection: &Connection) -> Result<Pending, StoreError> {
    // SQLite stores the length before the value: the photos are not read.
    let sql = "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM pending_photos";
    let mut statement = connection.prepare_cached(sql)?;
    let (photos, bytes): (i64, i64) =
        statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Pending {
        photos: photos.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
    })
}
