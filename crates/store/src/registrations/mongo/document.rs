//! Converts registrations to and from BSON bytes, without intermediate trees.

use std::collections::BTreeMap;

use mongodb::bson::raw::{CString, cstr};
use mongodb::bson::{RawArrayBuf, RawDocument, RawDocumentBuf};

use crate::error::{Result, StoreError};
use crate::mongo::convert;
use crate::mongo::convert::{moment, photo_document, photo_ref, raw_binary, read_field};
use crate::registrations::Receipt;
use jornada_domain::{Answers, Campaign, Field, Registration};

pub(crate) fn from_registration(
    campaign: &Campaign,
    registration: &Registration,
) -> Result<RawDocumentBuf> {
    let answers = answers_to_document(campaign, &registration.answers)?;
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), raw_binary(registration.id.as_bytes()));
    document.append(cstr!("campaign"), registration.campaign.as_str());
    document.append(cstr!("value"), registration.tally_value.as_str());
    document.append(cstr!("answers"), &answers);
    let name = campaign.searched_name(&registration.answers);
    document.append(cstr!("name"), name.folded);
    let words: RawArrayBuf = name.words.iter().map(String::as_str).collect();
    document.append(cstr!("words"), words);
    if let Some(photo) = &registration.photo {
        document.append(cstr!("photo"), photo_document(photo));
    }
    document.append(cstr!("digest"), raw_binary(&registration.digest));
    document.append(cstr!("received_at"), moment(registration.received_at));
    if let Some(consent) = campaign.consent_version() {
        document.append(cstr!("consent"), consent);
    }
    Ok(document)
}

/// Returns the answers by the names of the fields.
pub(crate) fn answers_to_document(
    campaign: &Campaign,
    answers: &Answers,
) -> Result<RawDocumentBuf> {
    let mut document = RawDocumentBuf::new();
    for (name, text) in answers.named(campaign) {
        let name = CString::try_from(name).map_err(|_| StoreError::malformed("field name"))?;
        document.append(name, text);
    }
    Ok(document)
}

/// Reads a registration in one pass over its bytes.
pub(crate) fn registration(campaign: &Campaign, document: &RawDocument) -> Result<Registration> {
    let (mut id, mut value, mut answers) = (None, None, None);
    let (mut photo, mut digest, mut received_at) = (None, None, None);
    for element in document {
        let (key, field) = element.map_err(|_| StoreError::malformed("shape"))?;
        match key.as_str() {
            "_id" => id = convert::registration_id(field),
            "value" => value = convert::text(field),
            "answers" => {
                answers = field
                    .as_document()
                    .and_then(|read| answers_by_field(campaign, read));
            }
            "photo" => {
                let read = field.as_document().and_then(photo_ref);
                photo = Some(read.ok_or_else(|| StoreError::malformed("photo"))?);
            }
            "digest" => digest = convert::bytes(field),
            "received_at" => received_at = convert::time(field),
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

pub(crate) fn receipt(document: &RawDocument) -> Result<Receipt> {
    Ok(Receipt {
        id: read_field(document, "_id", convert::registration_id)?,
        campaign: read_field(document, "campaign", convert::campaign)?,
        tally_value: read_field(document, "value", convert::text)?,
        received_at: read_field(document, "received_at", convert::time)?,
    })
}

pub(crate) fn answers(document: &RawDocument) -> Result<BTreeMap<String, String>> {
    read_field(document, "answers", |field| {
        let mut answers = BTreeMap::new();
        for element in field.as_document()? {
            let (name, text) = element.ok()?;
            answers.insert(name.as_str().to_owned(), text.as_str()?.to_owned());
        }
        Some(answers)
    })
}

pub(crate) fn answers_by_field(campaign: &Campaign, document: &RawDocument) -> Option<Answers> {
    let answer = |field: &Field| match document.get(&field.name).ok()? {
        Some(text) => convert::text(text).map(Some),
        None => Some(None),
    };
    let answers: Option<_> = campaign.fields.iter().map(answer).collect();
    answers.map(Answers::from_stored)
}
