//! Converts registrations to and from rows.

use std::fmt;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde::Serializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use crate::error::{Result, StoreError};
use crate::registrations::answers_by_field::AnswersByField;
use crate::registrations::feed::sqlite::append_change;
use crate::registrations::{InsertOutcome, Receipt};
use crate::sqlite::convert;
use crate::sqlite::convert::{number, photo_ref, time};
use jornada_domain::registration::PhotoRef;
use jornada_domain::{Answers, Campaign, Registration};

/// Columns of a registration, in the order in which [`registration`] reads them.
pub(crate) const COLUMNS: &str =
    "id, value, answers, digest, received_at, photo_sha256, photo_extension, photo_bytes";

const INSERT: &str = "INSERT INTO registrations \
    (id, campaign, value, answers, digest, received_at, photo_sha256, photo_extension, photo_bytes, name, \
    consent) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 \
    WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE id = ?1) \
    AND NOT EXISTS (SELECT 1 FROM claims WHERE id = ?1) \
    ON CONFLICT (id) DO NOTHING";

/// A registration for the write thread.
#[derive(Debug)]
pub(crate) struct RegistrationRow {
    id: [u8; 16],
    campaign: String,
    value: String,
    answers: Vec<u8>,
    digest: [u8; 32],
    received_at: i64,
    photo: Option<PhotoRef>,
    name: String,
    consent: Option<String>,
}

impl RegistrationRow {
    pub(crate) fn from_registration(
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<Self> {
        let mut answers = Vec::with_capacity(128);
        serde_json::Serializer::new(&mut answers)
            .collect_map(registration.answers.named(campaign))
            .map_err(|_| StoreError::malformed("answers"))?;
        Ok(Self {
            id: *registration.id.as_bytes(),
            campaign: registration.campaign.as_str().to_owned(),
            value: registration.tally_value.clone(),
            answers,
            digest: registration.digest,
            received_at: registration.received_at.as_millisecond(),
            photo: registration.photo.clone(),
            name: campaign
                .searched_name(&registration.answers)
                .unwrap_or_default(),
            consent: campaign.consent_version(),
        })
    }

    /// Inserts the row and appends it to the feed, or compares it with the row that has its id.
    pub(crate) fn insert(&self, connection: &Connection) -> Result<InsertOutcome> {
        let photo = self.photo.as_ref();
        let bytes = photo.map(|photo| number(photo.bytes));
        let answers =
            str::from_utf8(&self.answers).map_err(|_| StoreError::malformed("answers"))?;
        let inserted = connection.prepare_cached(INSERT)?.execute((
            self.id,
            &self.campaign,
            &self.value,
            answers,
            self.digest,
            self.received_at,
            photo.map(|photo| photo.sha256),
            photo.map(|photo| photo.format.extension()),
            bytes,
            &self.name,
            &self.consent,
        ))?;
        if inserted == 1 {
            append_change(connection, &self.campaign, None, Some(&self.value))?;
            return Ok(InsertOutcome::Inserted);
        }
        let sql = "SELECT digest, received_at FROM registrations WHERE id = ?1";
        let first: Option<([u8; 32], i64)> = connection
            .prepare_cached(sql)?
            .query_row([self.id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((digest, received_at)) = first {
            return Ok(InsertOutcome::from_digests(
                &self.digest,
                &digest,
                time(received_at)?,
            ));
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM tombstones WHERE id = ?1)";
        let mut statement = connection.prepare_cached(sql)?;
        let is_gone: bool = statement.query_row([self.id], |row| row.get(0))?;
        Ok(if is_gone {
            InsertOutcome::Deleted
        } else {
            InsertOutcome::AliasTaken
        })
    }
}

/// Reads [`COLUMNS`].
pub(crate) fn registration(campaign: &Campaign, row: &rusqlite::Row<'_>) -> Result<Registration> {
    let photo = match row.get_ref(5)? {
        ValueRef::Null => None,
        _ => Some(photo_ref(row, 5)?),
    };
    let json = row.get_ref(2)?.as_str();
    let answers = json.ok().and_then(|json| {
        let mut reader = serde_json::Deserializer::from_str(json);
        AnswersSeed(campaign).deserialize(&mut reader).ok()
    });
    Ok(Registration {
        id: convert::registration_id(row, 0)?,
        campaign: campaign.id.clone(),
        tally_value: row.get(1)?,
        answers: answers.ok_or_else(|| StoreError::malformed("answers"))?,
        digest: row.get(3)?,
        received_at: time(row.get(4)?)?,
        photo,
    })
}

/// Reads `id, campaign, value, received_at`.
pub(crate) fn receipt(row: &rusqlite::Row<'_>) -> Result<Receipt> {
    Ok(Receipt {
        id: convert::registration_id(row, 0)?,
        campaign: convert::campaign(row, 1)?,
        tally_value: row.get(2)?,
        received_at: time(row.get(3)?)?,
    })
}

/// Reads a JSON object of answers directly into the order of the campaign's fields.
struct AnswersSeed<'c>(&'c Campaign);

impl<'de> DeserializeSeed<'de> for AnswersSeed<'_> {
    type Value = Answers;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Answers, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for AnswersSeed<'_> {
    type Value = Answers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("answers by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answers, A::Error> {
        let mut placed = AnswersByField::new(self.0);
        // Field names need no escape in JSON and can be borrowed.
        while let Some(name) = map.next_key::<&str>()? {
            placed.put(name, map.next_value()?);
        }
        Ok(placed.into_answers())
    }
}
