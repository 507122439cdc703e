//! Converts votes to and from BSON bytes.

use jiff::Timestamp;
use mongodb::bson::raw::cstr;
use mongodb::bson::{RawDocument, RawDocumentBuf};

use crate::error::Result;
use crate::mongo::convert::{self, moment, raw_binary, read_field};
use crate::registrations::{answers_by_field, answers_to_document};
use jornada_domain::vote::{QueuePlace, StoredVote};
use jornada_domain::{Campaign, Door, Vote};

pub(super) fn to_document(
    campaign: &Campaign,
    vote: &Vote,
    queue_place: Option<&QueuePlace>,
    now: Timestamp,
) -> Result<RawDocumentBuf> {
    let answers = answers_to_document(campaign, &vote.answers)?;
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), raw_binary(vote.id.as_bytes()));
    document.append(cstr!("campaign"), vote.campaign.as_str());
    document.append(cstr!("answers"), &answers);
    document.append(cstr!("received_at"), moment(vote.received_at));
    document.append(cstr!("door"), <&str>::from(vote.door));
    if let Some(instance) = &vote.instance {
        document.append(cstr!("instance"), &**instance);
    }
    document.append(cstr!("stored_at"), moment(now));
    if let Some(place) = queue_place {
        if let Some(partition) = place.partition {
            document.append(cstr!("partition"), partition);
        }
        document.append(cstr!("offset"), place.offset.as_str());
    }
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
        instance: document.get_str("instance").ok().map(Into::into),
    })
}

pub(super) fn read_stored(campaign: &Campaign, document: &RawDocument) -> Result<StoredVote> {
    let stored_at = document.get("stored_at").ok().flatten();
    let offset = document.get_str("offset").ok();
    Ok(StoredVote {
        vote: read_vote(campaign, document)?,
        stored_at: stored_at.and_then(convert::time),
        queue_place: offset.map(|offset| QueuePlace {
            partition: document.get_i32("partition").ok(),
            offset: offset.to_owned(),
        }),
    })
}
