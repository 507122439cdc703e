//! Converts registrations to and from BSON bytes, without intermediate trees.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mongodb::bson::raw::{CString, RawBinaryRef, RawBsonRef, cstr};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{DateTime, RawDocument, RawDocumentBuf};

use crate::answers_by_field::AnswersByField;
use crate::{Receipt, StoreError};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{Answers, Campaign, CampaignId, Registration, RegistrationId};
use jornada_photo::PhotoFormat;

pub(super) fn from_registration(
    campaign: &Campaign,
    registration: &Registration,
) -> Result<RawDocumentBuf, StoreError> {
    let mut answers = RawDocumentBuf::new();
    for (name, text) in registration.answers.named(campaign) {
        let name = CString::try_from(name).map_err(|_| StoreError::malformed("field name"))?;
        answers.append(name, text);
    }
    let received_at = DateTime::from_millis(registration.received_at.as_millisecond());
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), binary(registration.id.as_bytes()));
    document.append(cstr!("campaign"), registration.campaign.as_str());
    document.append(cstr!("value"), registration.tally_value.as_str());
    document.append(cstr!("answers"), &answers);
    let name = campaign.searched_name(&registration.answers);
    document.append(cstr!("name"), name.unwrap_or_default());
    if let Some(photo) = &registration.photo {
        document.append(cstr!("photo"), photo_document(photo));
    }
    document.append(cstr!("digest"), binary(&registration.digest));
    document.append(cstr!("received_at"), received_at);
    if let Some(consent) = campaign.consent_version() {
        document.append(cstr!("consent"), consent);
    }
    Ok(document)
}

pub(super) fn photo_document(photo: &PhotoRef) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("sha256"), binary(&photo.sha256));
    document.append(cstr!("extension"), photo.format.extension());
    let bytes = i64::try_from(photo.bytes).unwrap_or(i64::MAX);
    document.append(cstr!("bytes"), bytes);
    document
}

pub(super) fn binary(bytes: &[u8]) -> RawBinaryRef<'_> {
    RawBinaryRef {
        subtype: BinarySubtype::Generic,
        bytes,
    }
}

/// Reads a registration in one pass over its bytes.
pub(super) fn registration(
    campaign: &Campaign,
    document: &RawDocument,
) -> Result<Registration, StoreError> {
    let (mut id, mut value, mut answers) = (None, None, None);
    let (mut photo, mut digest, mut received_at) = (None, None, None);
    for element in document {
        let (key, field) = element.map_err(|_| StoreError::malformed("shape"))?;
        match key.as_str() {
            "_id" => id = bytes(field).map(RegistrationId::from_bytes),
            "value" => value = field.as_str().map(str::to_owned),
            "answers" => {
                answers = field
                    .as_document()
                    .and_then(|read| answers_by_field(campaign, read));
            }
            "photo" => {
                let read = field.as_document().and_then(photo_ref);
                photo = Some(read.ok_or_else(|| StoreError::malformed("photo"))?);
            }
            "digest" => digest = bytes(field),
            "received_at" => received_at = time(field),
            _ => {}
        }
    }
    Ok(Registration {
        id: id.ok_or_else(|| StoreError::malformed("_id"))?,
        campaign: campaign.id.clone(),
        answers: answers.ok_or_else(|| StoreError::malformed("answers"))?,
        tally_value: value.ok_or_else(|| StoreError::malformed("value"))?,
        photo,
        digest: digest.ok_or_else(|| StoreError::malformed("digest"))?,
        received_at: received_at.ok_or_else(|| StoreError::malformed("received_at"))?,
    })
}

/// Reads the fields of a receipt.
pub(super) fn receipt(document: &RawDocument) -> Result<Receipt, StoreError> {
    let campaign = document.get_str("campaign").ok();
    let campaign = campaign.and_then(CampaignId::parse);
    let value = document.get_str("value");
    Ok(Receipt {
        id: read_field(document, "_id", bytes).map(RegistrationId::from_bytes)?,
        campaign: campaign.ok_or_else(|| StoreError::malformed("campaign"))?,
        tally_value: value
            .map_err(|_| StoreError::malformed("value"))?
            .to_owned(),
        received_at: read_field(document, "received_at", time)?,
    })
}

/// Reads digest and time of arrival of a stored registration.
pub(super) fn digest_and_arrival(
    document: &RawDocument,
) -> Result<([u8; 32], Timestamp), StoreError> {
    let digest = read_field(document, "digest", bytes)?;
    Ok((digest, read_field(document, "received_at", time)?))
}

pub(super) fn read_field<T>(
    document: &RawDocument,
    name: &'static str,
    read: impl FnOnce(RawBsonRef<'_>) -> Option<T>,
) -> Result<T, StoreError> {
    let found = document.get(name).ok().flatten();
    found
        .and_then(read)
        .ok_or_else(|| StoreError::malformed(name))
}

/// Reads the answers by field name.
pub(super) fn answers(document: &RawDocument) -> Result<BTreeMap<String, String>, StoreError> {
    read_field(document, "answers", |field| {
        let mut answers = BTreeMap::new();
        for element in field.as_document()? {
            let (name, text) = element.ok()?;
            answers.insert(name.as_str().to_owned(), text.as_str()?.to_owned());
        }
        Some(answers)
    })
}

fn answers_by_field(campaign: &Campaign, document: &RawDocument) -> Option<Answers> {
    let mut placed = AnswersByField::new(campaign);
    for element in document {
        let (name, text) = element.ok()?;
        placed.put(name.as_str(), text.as_str()?.to_owned());
    }
    Some(placed.into_answers())
}

pub(super) fn photo_ref(document: &RawDocument) -> Option<PhotoRef> {
    Some(PhotoRef {
        sha256: bytes(document.get("sha256").ok()??)?,
        format: format(document)?,
        bytes: document.get_i64("bytes").ok()?.unsigned_abs(),
    })
}

/// Reads the extension of a photo.
pub(super) fn format(document: &RawDocument) -> Option<PhotoFormat> {
    PhotoFormat::from_extension(document.get_str("extension").ok()?)
}

pub(super) fn bytes<const N: usize>(field: RawBsonRef<'_>) -> Option<[u8; N]> {
    field.as_binary()?.bytes.try_into().ok()
}

pub(super) fn time(field: RawBsonRef<'_>) -> Option<Timestamp> {
    Timestamp::from_millisecond(field.as_datetime()?.timestamp_millis()).ok()
}
