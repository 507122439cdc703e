//! Converts registrations to and from rows.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde::Serializer;

use crate::deltas::{self, Delta};
use crate::error::{Result, StoreError};
use crate::registrations::{InsertOutcome, Receipt};
use crate::sqlite::convert;
use crate::sqlite::convert::{number, photo_ref, time};
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
    registration: Registration,
    answers: String,
    name: String,
    consent: Option<String>,
    delta: Delta,
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
        let answers = String::from_utf8(answers);
        let name = campaign.searched_name(&registration.answers);
        let mut delta = Delta::new(campaign);
        delta.add(campaign, &registration.answers, 1);
        Ok(Self {
            delta,
            registration: registration.clone(),
            answers: answers.map_err(|_| StoreError::malformed("answers"))?,
            name: name.unwrap_or_default(),
            consent: campaign.consent_version(),
        })
    }

    /// Inserts the row and appends it to the feed, or compares it with the row that has its id.
    pub(crate) fn insert(&self, connection: &Connection) -> Result<InsertOutcome> {
        let Self {
            registration,
            answers,
            name,
            consent,
            delta,
        } = self;
        let id = registration.id.as_bytes();
        let campaign = registration.campaign.as_str();
        let value = &registration.tally_value;
        let photo = registration.photo.as_ref();
        let inserted = connection.prepare_cached(INSERT)?.execute((
            id,
            campaign,
            value,
            answers,
            registration.digest,
            registration.received_at.as_millisecond(),
            photo.map(|photo| photo.sha256),
            photo.map(|photo| photo.format.extension()),
            photo.map(|photo| number(photo.bytes)),
            name,
            consent,
        ))?;
        if inserted == 1 {
            deltas::sqlite::append(connection, delta)?;
            return Ok(InsertOutcome::Inserted);
        }
        let sql = "SELECT digest, received_at FROM registrations WHERE id = ?1";
        let first: Option<([u8; 32], i64)> = connection
            .prepare_cached(sql)?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((digest, received_at)) = first {
            return Ok(InsertOutcome::from_digests(
                &registration.digest,
                &digest,
                time(received_at)?,
            ));
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM tombstones WHERE id = ?1)";
        let mut statement = connection.prepare_cached(sql)?;
        let is_gone: bool = statement.query_row([id], |row| row.get(0))?;
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
    let json = row.get_ref(2)?.as_str().unwrap_or_default();
    // Field names need no escape in JSON and can be borrowed.
    let answers = serde_json::from_str(json);
    let mut answers: BTreeMap<&str, String> =
        answers.map_err(|_| StoreError::malformed("answers"))?;
    let fields = campaign.fields.iter();
    let answers = fields.map(|field| answers.remove(field.name.as_str()));
    Ok(Registration {
        id: convert::registration_id(row, 0)?,
        campaign: campaign.id.clone(),
        tally_value: row.get(1)?,
        answers: Answers::from_stored(answers.collect()),
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
