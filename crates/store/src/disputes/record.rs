//! The record of a dispute.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::Result;
use crate::photos::deletions::PendingPhotoDeletion;
use crate::records::{Fields, InsertableRecord, Record, Table, Value};
use jornada_domain::dispute::{Dispute, DisputeReceipt, DisputeState};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{
    Answers, Campaign, CampaignId, Field, PhotoFormat, Registration, RegistrationId,
};

const TABLE: Table = Table {
    awaits_primary: true,
    ..Table::new("disputes", "id")
};

/// An undecided dispute as it is stored.
pub(super) struct StoredDispute {
    pub(super) id: RegistrationId,
    campaign: CampaignId,
    number: RegistrationId,
    /// First id and place among the undecided disputes of the number: unique, so that there are not too many.
    place_of_number: Vec<u8>,
    value: String,
    rival: String,
    pub(super) answers: BTreeMap<String, String>,
    digest: [u8; 32],
    pub(super) received_at: Timestamp,
    consent: Option<String>,
    photo: Option<PhotoRef>,
}

/// Remains of a dispute that has ended, without answers.
pub(crate) struct ClosedDispute {
    pub(crate) id: RegistrationId,
    pub(crate) campaign: CampaignId,
    pub(crate) receipt: DisputeReceipt,
    pub(crate) photo: Option<PhotoRef>,
    /// When the photo was to be deleted, until it is.
    pub(crate) remove_at: Option<Timestamp>,
}

impl StoredDispute {
    pub(super) fn from_dispute(campaign: &Campaign, dispute: &Dispute, place: u8) -> Self {
        let registration = &dispute.registration;
        let answers = registration.answers.named(campaign);
        let owned = |(name, answer): (&str, &str)| (name.to_owned(), answer.to_owned());
        Self {
            id: registration.id,
            campaign: registration.campaign.clone(),
            number: dispute.number,
            place_of_number: [&dispute.number.as_bytes()[..], &[place]].concat(),
            value: registration.tally_value.clone(),
            rival: dispute.rival_value.clone(),
            answers: answers.map(owned).collect(),
            digest: registration.digest,
            received_at: registration.received_at,
            consent: dispute.consent.clone(),
            photo: registration.photo.clone(),
        }
    }

    pub(super) fn into_dispute(mut self, campaign: &Campaign) -> Dispute {
        let fields = campaign.fields.iter();
        let answer = |field: &Field| self.answers.remove(&field.name);
        let answers = fields.map(answer).collect();
        Dispute {
            registration: Registration {
                id: self.id,
                campaign: self.campaign,
                answers: Answers::from_stored(answers),
                tally_value: self.value,
                photo: self.photo,
                digest: self.digest,
                received_at: self.received_at,
            },
            consent: self.consent,
            number: self.number,
            rival_value: self.rival,
        }
    }
}

impl ClosedDispute {
    pub(super) fn into_pending_deletion(self) -> Option<PendingPhotoDeletion> {
        Some(PendingPhotoDeletion {
            campaign: self.campaign,
            id: self.id,
            photo: self.photo?,
            deleted_at: self.remove_at?,
        })
    }
}

impl Record for StoredDispute {
    const TABLE: Table = TABLE;

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let photo = take_photo(&mut fields)?;
        let is_erased = fields.take::<Option<Timestamp>>("remove_at")?.is_some();
        Ok(Self {
            id: fields.take("id")?,
            campaign: fields.parse("campaign", CampaignId::parse)?,
            number: fields.take("number")?,
            place_of_number: fields.take("place_of_number")?,
            value: fields.take("value")?,
            rival: fields.take("rival")?,
            answers: fields.take("answers")?,
            digest: fields.take("digest")?,
            received_at: fields.take("received_at")?,
            consent: fields.take("consent")?,
            photo: photo.filter(|_| !is_erased),
        })
    }
}

impl InsertableRecord for StoredDispute {
    fn to_fields(&self) -> Fields {
        let photo = self.photo.as_ref();
        Fields::from([
            ("id", self.id.into()),
            ("campaign", self.campaign.as_str().into()),
            ("number", self.number.into()),
            ("place_of_number", (&self.place_of_number).into()),
            ("state", <&str>::from(DisputeState::Open).into()),
            ("value", (&self.value).into()),
            ("rival", (&self.rival).into()),
            ("answers", Value::Map(self.answers.clone())),
            ("digest", self.digest.into()),
            ("received_at", self.received_at.into()),
            ("consent", self.consent.as_ref().into()),
            ("photo_sha256", photo.map(|photo| photo.sha256).into()),
            (
                "photo_extension",
                photo.map(|photo| photo.format.extension()).into(),
            ),
            ("photo_bytes", photo.map(|photo| photo.bytes).into()),
        ])
    }
}

impl Record for ClosedDispute {
    const TABLE: Table = TABLE;

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            id: fields.take("id")?,
            campaign: fields.parse("campaign", CampaignId::parse)?,
            photo: take_photo(&mut fields)?,
            remove_at: fields.take("remove_at")?,
            receipt: DisputeReceipt {
                tally_value: fields.take("value")?,
                received_at: fields.take("received_at")?,
                state: fields.parse("state", |state| state.parse().ok())?,
            },
        })
    }
}

fn take_photo(fields: &mut Fields) -> Result<Option<PhotoRef>> {
    let Some(sha256) = fields.take("photo_sha256")? else {
        return Ok(None);
    };
    Ok(Some(PhotoRef {
        sha256,
        format: fields.parse("photo_extension", PhotoFormat::from_extension)?,
        bytes: fields.take("photo_bytes")?,
    }))
}
