//! Documents of corrections and deletions. Beside registrations the collection holds, under ids of their own,
//! *tombstones* (`gone`) of deleted registrations and *aliases* (`claim`), further ids of a registration. Neither has
//! a `campaign`, so that no list, count or index range contains them.

use mongodb::bson::raw::{RawBsonRef, cstr};
use mongodb::bson::{Bson, Document, RawDocument, RawDocumentBuf, doc};

use crate::error::{Result, StoreError};
use crate::mongo::convert::{
    moment, number, photo_document, photo_ref, raw_binary, registration_id, time,
};
use crate::registrations::mongo::document;
use jornada_domain::history::{
    AnswerChange, Correction, Deletion, DeletionCause, ErasedPhoto, RegistrationHistory,
};
use jornada_domain::{Campaign, CampaignId, RegistrationId};

/// Builds the update of a correction.
pub(crate) fn correction_update(
    campaign: &Campaign,
    read: &RegistrationHistory,
    corrected: &RegistrationHistory,
    correction: &Correction,
) -> Document {
    let value = &corrected.registration.tally_value;
    let name = campaign.searched_name(&corrected.registration.answers);
    let mut set = doc! {
        "value": value,
        "name": name.folded,
        "words": name.words,
        "version": number(read.version + 1),
    };
    let mut unset = Document::new();
    for change in &correction.changes {
        // One by one: answers to fields that the campaign no longer has remain.
        let name = format!("answers.{}", change.field);
        match &change.after {
            Some(after) => set.insert(name, after),
            None => unset.insert(name, ""),
        };
    }
    let mut update =
        doc! { "$set": set, "$push": { "corrections": correction_document(correction) } };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    update
}

fn correction_document(correction: &Correction) -> Document {
    let changes = correction.changes.iter().map(|change| {
        let mut changed = doc! { "field": &change.field };
        let answers = [("was", &change.before), ("is", &change.after)].into_iter();
        let given =
            answers.filter_map(|(name, text)| Some((name.to_owned(), text.as_ref()?.into())));
        changed.extend(given);
        Bson::Document(changed)
    });
    doc! {
        "at": moment(correction.at),
        "by": &correction.by,
        "reason": &correction.reason,
        "changes": changes.collect::<Vec<_>>(),
    }
}

/// Builds the document that replaces a registration. It has `unremoved` until the photo is deleted.
pub(crate) fn tombstone(read: &RegistrationHistory, deletion: &Deletion) -> RawDocumentBuf {
    let registration = &read.registration;
    let erased = read.erased.as_ref();
    let unremoved = erased.and_then(|photo| photo.pending_deletion.as_ref());
    let mut deleted = RawDocumentBuf::new();
    deleted.append(cstr!("campaign"), registration.campaign.as_str());
    deleted.append(cstr!("value"), registration.tally_value.as_str());
    deleted.append(cstr!("at"), moment(deletion.at));
    deleted.append(cstr!("by"), deletion.by.as_str());
    deleted.append(cstr!("reason"), deletion.reason.as_str());
    deleted.append(cstr!("cause"), <&str>::from(deletion.cause));
    if deletion.cause == DeletionCause::FalseEntry {
        deleted.append(cstr!("digest"), raw_binary(&registration.digest));
    }
    let mut tombstone = RawDocumentBuf::new();
    tombstone.append(cstr!("_id"), raw_binary(registration.id.as_bytes()));
    tombstone.append(cstr!("gone"), deleted);
    if let Some(photo) = read.photo().or(unremoved) {
        tombstone.append(cstr!("unremoved"), photo_document(photo));
    }
    tombstone
}

pub(crate) fn alias_document(
    id: RegistrationId,
    campaign: &CampaignId,
    owner: RegistrationId,
) -> RawDocumentBuf {
    let mut claim = RawDocumentBuf::new();
    claim.append(cstr!("campaign"), campaign.as_str());
    claim.append(cstr!("of"), raw_binary(owner.as_bytes()));
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), raw_binary(id.as_bytes()));
    document.append(cstr!("claim"), claim);
    document
}

/// Returns the registration that owns an alias.
pub(crate) fn alias_owner(document: &RawDocument) -> Option<RegistrationId> {
    let claim = document.get_document("claim").ok()?;
    registration_id(claim.get("of").ok()??)
}

pub(crate) fn read_history(
    campaign: &Campaign,
    document: &RawDocument,
) -> Result<RegistrationHistory> {
    let malformed = || StoreError::malformed("correction");
    let registration = document::registration(campaign, document)?;
    let version = document.get_i64("version").unwrap_or(0).unsigned_abs();
    let mut corrections = Vec::new();
    if let Ok(array) = document.get_array("corrections") {
        for element in array {
            let read = element.ok().and_then(RawBsonRef::as_document);
            corrections.push(read.and_then(read_correction).ok_or_else(malformed)?);
        }
    }
    let consent = document.get_str("consent").ok().map(str::to_owned);
    Ok(RegistrationHistory {
        registration,
        version,
        corrections,
        consent,
        erased: read_erased_photo(document),
    })
}

fn read_correction(document: &RawDocument) -> Option<Correction> {
    let mut changes = Vec::new();
    for element in document.get_array("changes").ok()? {
        let one = element.ok()?.as_document()?;
        let answer = |name| one.get_str(name).ok().map(str::to_owned);
        changes.push(AnswerChange {
            field: answer("field")?,
            before: answer("was"),
            after: answer("is"),
        });
    }
    Some(Correction {
        at: time(document.get("at").ok()??)?,
        by: document.get_str("by").ok()?.to_owned(),
        reason: document.get_str("reason").ok()?.to_owned(),
        changes,
    })
}

fn read_erased_photo(document: &RawDocument) -> Option<ErasedPhoto> {
    let at = document.get("photo_erased_at").ok()??;
    let unremoved = document.get_document("unremoved").ok();
    Some(ErasedPhoto {
        at: time(at)?,
        pending_deletion: unremoved.and_then(photo_ref),
    })
}
