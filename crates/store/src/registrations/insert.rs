//! New registrations: how they are stored, and compared with the one that has their id.

use std::sync::Arc;

use jiff::Timestamp;
use mongodb::bson::{RawDocument, RawDocumentBuf};
use rusqlite::{Connection, OptionalExtension, Row};

use super::mongo::document;
use crate::error::Result;
use crate::insert::{InsertOutcome, NewRecord, RowTexts, answers_to_json};
use crate::mongo::convert::{self as from_bson, read_field};
use crate::sqlite::convert::{number, time};
use jornada_domain::history::DeletionCause;
use jornada_domain::{Answers, Campaign, Registration, RegistrationId};

/// Size of a stored registration without its answers, roughly.
const FIXED_SIZE: usize = 512;

const INSERT: &str = "INSERT INTO registrations \
    (id, campaign, value, answers, digest, received_at, photo_sha256, photo_extension, photo_bytes, name, \
    words, consent) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 \
    WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE id = ?1) \
    AND NOT EXISTS (SELECT 1 FROM claims WHERE id = ?1) \
    ON CONFLICT (id) DO NOTHING";

/// A registration to insert.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// The registration.
    pub registration: Registration,
}

impl NewRegistration {
    /// Compares with the tombstone that has the id.
    fn compare_tombstone(&self, cause: &str, digest: Option<&[u8]>) -> InsertOutcome {
        let is_free = cause.parse().is_ok_and(DeletionCause::frees_number);
        if is_free && digest != Some(&self.registration.digest) {
            InsertOutcome::Vacated
        } else {
            InsertOutcome::Deleted
        }
    }

    fn compare_digest(&self, stored: &[u8], received_at: Timestamp) -> InsertOutcome {
        InsertOutcome::for_stored(self.registration.digest == stored, received_at)
    }
}

impl NewRecord for NewRegistration {
    const TABLE: &'static str = "registrations";
    const COMPARED_FIELDS: &'static [&'static str] = &[
        "digest",
        "received_at",
        "gone.cause",
        "gone.digest",
        "claim.of",
    ];

    fn campaign(&self) -> &Arc<Campaign> {
        &self.campaign
    }

    fn id(&self) -> RegistrationId {
        self.registration.id
    }

    fn answers(&self) -> &Answers {
        &self.registration.answers
    }

    fn received_at(&self) -> Timestamp {
        self.registration.received_at
    }

    fn size(&self) -> usize {
        FIXED_SIZE + self.registration.answers.size()
    }

    fn compare(&self, first: &Self) -> InsertOutcome {
        let Registration {
            digest,
            received_at,
            ..
        } = &first.registration;
        self.compare_digest(digest, *received_at)
    }

    fn to_document(&self, _now: Timestamp) -> Result<RawDocumentBuf> {
        document::from_registration(&self.campaign, &self.registration)
    }

    fn compare_document(&self, stored: &RawDocument) -> Result<InsertOutcome> {
        if let Ok(gone) = stored.get_document("gone") {
            let digest: Option<[u8; 32]> =
                gone.get("digest").ok().flatten().and_then(from_bson::bytes);
            let cause = gone.get_str("cause").unwrap_or_default();
            return Ok(self.compare_tombstone(cause, digest.as_ref().map(|digest| &digest[..])));
        }
        if stored.get_document("claim").is_ok() {
            return Ok(InsertOutcome::AliasTaken);
        }
        let digest: [u8; 32] = read_field(stored, "digest", from_bson::bytes)?;
        let received_at = read_field(stored, "received_at", from_bson::time)?;
        Ok(self.compare_digest(&digest, received_at))
    }

    fn to_texts(&self) -> Result<RowTexts> {
        let name = self.campaign.searched_name(&self.registration.answers);
        Ok(RowTexts {
            answers: answers_to_json(&self.campaign, &self.registration.answers)?,
            name: name.folded,
            words: name.words.join(" "),
            consent: self.campaign.consent_version(),
        })
    }

    fn insert_row(
        &self,
        texts: &RowTexts,
        _now: Timestamp,
        connection: &Connection,
    ) -> Result<bool> {
        let registration = &self.registration;
        let photo = registration.photo.as_ref();
        let inserted = connection.prepare_cached(INSERT)?.execute((
            registration.id.as_bytes(),
            registration.campaign.as_str(),
            &registration.tally_value,
            &texts.answers,
            registration.digest,
            registration.received_at.as_millisecond(),
            photo.map(|photo| photo.sha256),
            photo.map(|photo| photo.format.extension()),
            photo.map(|photo| number(photo.bytes)),
            &texts.name,
            &texts.words,
            &texts.consent,
        ))?;
        Ok(inserted == 1)
    }

    fn compare_row(&self, connection: &Connection) -> Result<InsertOutcome> {
        let id = self.registration.id.as_bytes();
        let sql = "SELECT digest, received_at FROM registrations WHERE id = ?1";
        let first: Option<([u8; 32], i64)> = connection
            .prepare_cached(sql)?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((digest, received_at)) = first {
            return Ok(self.compare_digest(&digest, time(received_at)?));
        }
        let sql = "SELECT cause, digest FROM tombstones WHERE id = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let compare = |row: &Row<'_>| {
            let digest: Option<Vec<u8>> = row.get(1)?;
            Ok(self.compare_tombstone(row.get_ref(0)?.as_str()?, digest.as_deref()))
        };
        let compared = statement.query_row([id], compare).optional()?;
        Ok(compared.unwrap_or(InsertOutcome::AliasTaken))
    }
}
