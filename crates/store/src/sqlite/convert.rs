//! Converts values to and from columns.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::error::{Result, StoreError};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_photo::PhotoFormat;

/// Converts a counter: SQLite has no unsigned integers, and no counter exceeds the signed ones.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::unsigned_abs)
}

/// Converts milliseconds since 1970 UTC.
pub(crate) fn time(millisecond: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millisecond).map_err(|_| StoreError::malformed("moment"))
}

pub(crate) fn campaign(row: &Row<'_>, column: usize) -> Result<CampaignId> {
    let id = row
        .get_ref(column)?
        .as_str()
        .ok()
        .and_then(CampaignId::parse);
    id.ok_or_else(|| StoreError::malformed("campaign"))
}

pub(crate) fn registration_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RegistrationId> {
    row.get(column).map(RegistrationId::from_bytes)
}

/// Reads SHA-256, extension and length of a photo, from this column on.
pub(crate) fn photo_ref(row: &Row<'_>, first: usize) -> Result<PhotoRef> {
    Ok(PhotoRef {
        sha256: row.get(first)?,
        format: format(row.get_ref(first + 1)?)?,
        bytes: count(row, first + 2)?,
    })
}

pub(crate) fn format(extension: ValueRef<'_>) -> Result<PhotoFormat> {
    let format = extension.as_str().ok();
    let format = format.and_then(PhotoFormat::from_extension);
    format.ok_or_else(|| StoreError::malformed("extension"))
}
