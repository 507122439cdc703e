//! Inserts batches in SQLite, each in one transaction of the write thread.

use rusqlite::{Connection, OptionalExtension};
use serde::Serializer;

use super::{InsertOutcome, NewRegistration, sum_deltas};
use crate::deltas;
use crate::error::{Result, StoreError};
use crate::sqlite::convert::{number, time};
use crate::sqlite::handle::SqliteStore;

const INSERT: &str = "INSERT INTO registrations \
    (id, campaign, value, answers, digest, received_at, photo_sha256, photo_extension, photo_bytes, name, \
    consent) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 \
    WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE id = ?1) \
    AND NOT EXISTS (SELECT 1 FROM claims WHERE id = ?1) \
    ON CONFLICT (id) DO NOTHING";

impl SqliteStore {
    pub(crate) async fn insert(&self, batch: Vec<NewRegistration>) -> Vec<Result<InsertOutcome>> {
        let count = batch.len();
        let rows = batch.into_iter().map(RegistrationRow::new);
        let rows: Vec<Result<RegistrationRow>> = rows.collect();
        let insert = move |connection: &Connection| insert_rows(connection, &rows);
        match self.writer.write(insert).await {
            Ok(outcomes) => outcomes,
            Err(error) => (0..count).map(|_| Err(error.duplicate())).collect(),
        }
    }
}

/// Inserts the rows with their deltas. Fails if none may be stored.
fn insert_rows(
    connection: &Connection,
    rows: &[Result<RegistrationRow>],
) -> Result<Vec<Result<InsertOutcome>>> {
    let mut outcomes = Vec::with_capacity(rows.len());
    let mut inserted = Vec::with_capacity(rows.len());
    for row in rows {
        let outcome = match row {
            Ok(row) => row.insert(connection)?,
            Err(error) => Err(error.duplicate()),
        };
        if let (Ok(row), Ok(InsertOutcome::Inserted)) = (row, &outcome) {
            inserted.push(&row.record);
        }
        outcomes.push(outcome);
    }
    for delta in sum_deltas(inserted) {
        deltas::sqlite::append(connection, &delta)?;
    }
    Ok(outcomes)
}

/// A registration for the write thread.
#[derive(Debug)]
struct RegistrationRow {
    record: NewRegistration,
    answers: String,
    name: String,
    consent: Option<String>,
}

impl RegistrationRow {
    fn new(record: NewRegistration) -> Result<Self> {
        let (campaign, registration) = (&record.campaign, &record.registration);
        let mut answers = Vec::with_capacity(128);
        serde_json::Serializer::new(&mut answers)
            .collect_map(registration.answers.named(campaign))
            .map_err(|_| StoreError::malformed("answers"))?;
        let answers = String::from_utf8(answers);
        let name = campaign.searched_name(&registration.answers);
        Ok(Self {
            answers: answers.map_err(|_| StoreError::malformed("answers"))?,
            name: name.unwrap_or_default(),
            consent: campaign.consent_version(),
            record,
        })
    }

    /// Inserts the row, or compares it with the row that has its id. The outer error
    /// concerns the whole transaction, the inner one only this row.
    fn insert(&self, connection: &Connection) -> Result<Result<InsertOutcome>> {
        match self.execute(connection) {
            Ok(true) => Ok(Ok(InsertOutcome::Inserted)),
            Ok(false) => self.compare_with_stored(connection).map(Ok),
            // SQLite has undone only the statement of the refused row.
            Err(error @ StoreError::Failed(_)) if !connection.is_autocommit() => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    /// Returns whether the row was inserted.
    fn execute(&self, connection: &Connection) -> Result<bool> {
        let registration = &self.record.registration;
        let photo = registration.photo.as_ref();
        let inserted = connection.prepare_cached(INSERT)?.execute((
            registration.id.as_bytes(),
            registration.campaign.as_str(),
            &registration.tally_value,
            &self.answers,
            registration.digest,
            registration.received_at.as_millisecond(),
            photo.map(|photo| photo.sha256),
            photo.map(|photo| photo.format.extension()),
            photo.map(|photo| number(photo.bytes)),
            &self.name,
            &self.consent,
        ))?;
        Ok(inserted == 1)
    }

    fn compare_with_stored(&self, connection: &Connection) -> Result<InsertOutcome> {
        let registration = &self.record.registration;
        let id = registration.id.as_bytes();
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
