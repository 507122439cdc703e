//! Converts votes to and from BSON bytes.

use mongodb::bson::raw::cstr;
use mongodb::bson::{RawDocument, RawDocumentBuf};

use crate::error::Result;
use crate::mongo::convert::{self, moment, raw_binary, read_field};
use crate::registrations::{answers_by_field, answers_to_document};
use jornada_domain::{Campaign, Door, Vote};

pub(super) fn to_document(campaign: &Campaign, vote: &Vote) -> Result<RawDocumentBuf> {
    let answers = answers_to_document(campaign, &vote.answers)?;
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), raw_binary(vote.id.as_bytes()));
    document.append(cstr!("campaign"), vote.campaign.as_str());
    document.append(cstr!("answers"), &answers);
    document.append(cstr!("received_at"), moment(vote.received_at));
    document.append(cstr!("door"), <&str>::from(vote.door));
    Ok(document)
}

pub(super) fn read_vote(campaign: &Campaign, document: &RawDocument) -> Result<Vote> {
    Ok(Vote {
        id: read_field(document, "_id", convert::registration_id)?,
        campaign: campaign.id.clone(),
        answers: read_field(document, "answers", |field| {
            answers_by_field(campaign, field.as_document()?)
        })?,
        received_at: read_field(document, "received_at", convert::time)?,
        door: read_field(document, "door", |field| {
            field.as_str()?.parse::<Door>().ok()
        })?,
    })
}
