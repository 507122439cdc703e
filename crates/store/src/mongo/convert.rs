//! Converts values to and from BSON.

use jiff::Timestamp;
use mongodb::bson::raw::{RawBinaryRef, RawBsonRef, cstr};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, RawDocument, RawDocumentBuf};

use crate::error::{Result, StoreError};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{CampaignId, RegistrationId};
use jornada_photo::PhotoFormat;

pub(crate) fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

pub(crate) fn raw_binary(bytes: &[u8]) -> RawBinaryRef<'_> {
    RawBinaryRef {
        subtype: BinarySubtype::Generic,
        bytes,
    }
}

pub(crate) fn moment(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

/// Converts a counter: BSON has no unsigned integers, and no counter exceeds the signed ones.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a counter that the server may have stored or computed in 32 bits.
pub(crate) fn read_number(number: &Bson) -> Option<u64> {
    let number = number.as_i64().or_else(|| number.as_i32().map(i64::from));
    number.map(i64::unsigned_abs)
}

pub(crate) fn photo_document(photo: &PhotoRef) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("sha256"), raw_binary(&photo.sha256));
    document.append(cstr!("extension"), photo.format.extension());
    document.append(cstr!("bytes"), number(photo.bytes));
    document
}

pub(crate) fn photo_ref(document: &RawDocument) -> Option<PhotoRef> {
    Some(PhotoRef {
        sha256: bytes(document.get("sha256").ok()??)?,
        format: document.get("extension").ok()?.and_then(format)?,
        bytes: document.get_i64("bytes").ok()?.unsigned_abs(),
    })
}

pub(crate) fn format(extension: RawBsonRef<'_>) -> Option<PhotoFormat> {
    PhotoFormat::from_extension(extension.as_str()?)
}

pub(crate) fn campaign(id: RawBsonRef<'_>) -> Option<CampaignId> {
    CampaignId::parse(id.as_str()?)
}

pub(crate) fn registration_id(id: RawBsonRef<'_>) -> Option<RegistrationId> {
    bytes(id).map(RegistrationId::from_bytes)
}

pub(crate) fn text(field: RawBsonRef<'_>) -> Option<String> {
    field.as_str().map(str::to_owned)
}

pub(crate) fn bytes<const N: usize>(field: RawBsonRef<'_>) -> Option<[u8; N]> {
    field.as_binary()?.bytes.try_into().ok()
}

pub(crate) fn time(field: RawBsonRef<'_>) -> Option<Timestamp> {
    Timestamp::from_millisecond(field.as_datetime()?.timestamp_millis()).ok()
}

/// Reads a field that must be there.
pub(crate) fn read_field<T>(
    document: &RawDocument,
    name: &'static str,
    read: impl FnOnce(RawBsonRef<'_>) -> Option<T>,
) -> Result<T> {
    let found = document.get(name).ok().flatten();
    found
        .and_then(read)
        .ok_or_else(|| StoreError::malformed(name))
}
