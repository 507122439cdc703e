//! Inserts batches of registrations or votes, each in one transaction together with the deltas of its campaigns.

pub(crate) mod mongo;
pub(crate) mod sqlite;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use mongodb::bson::{RawDocument, RawDocumentBuf};
use rusqlite::Connection;
use serde::Serializer;

use crate::deltas::Delta;
use crate::error::{Result, StoreError};
use crate::handle::{Store, dispatch};
use jornada_domain::{Answers, Campaign, RegistrationId};

/// Maximum number of records in a batch.
pub const MAX_BATCH_RECORDS: usize = 1_000;

/// Maximum size of a batch in bytes, by [`NewRecord::size`]. A single larger record is a batch, too.
pub const MAX_BATCH_BYTES: usize = 4 << 20;

/// A record to insert.
pub trait NewRecord: Clone + fmt::Debug + Send + Sync + 'static {
    /// Collection and table of the records.
    const TABLE: &'static str;
    /// Names of the fields by which a document is compared, see [`compare_document`](Self::compare_document).
    const COMPARED_FIELDS: &'static [&'static str];

    /// Returns the campaign of the record.
    fn campaign(&self) -> &Arc<Campaign>;

    /// Returns the id of the record.
    fn id(&self) -> RegistrationId;

    /// Returns the answers, by which it is counted.
    fn answers(&self) -> &Answers;

    /// Returns the time of receipt.
    fn received_at(&self) -> Timestamp;

    /// Estimates the stored size in bytes.
    fn size(&self) -> usize;

    /// Compares the record with one that was inserted under the same id.
    fn compare(&self, first: &Self) -> InsertOutcome;

    /// Converts the record to its document in MongoDB, which is stored at `now`.
    fn to_document(&self, now: Timestamp) -> Result<RawDocumentBuf>;

    /// Compares the record with the document that has its id.
    fn compare_document(&self, stored: &RawDocument) -> Result<InsertOutcome>;

    /// Returns the texts of the row in SQLite, which are made outside of its write thread.
    fn to_texts(&self) -> Result<RowTexts>;

    /// Inserts the row, which is stored at `now`, unless its id exists. Returns whether it was inserted.
    fn insert_row(&self, texts: &RowTexts, now: Timestamp, connection: &Connection)
    -> Result<bool>;

    /// Compares the record with the row that has its id.
    fn compare_row(&self, connection: &Connection) -> Result<InsertOutcome>;
}

/// Texts of a row that are derived from a record.
#[derive(Clone, Debug, Default)]
pub struct RowTexts {
    /// The answers as a JSON object.
    pub answers: String,
    /// The folded name by which staff search, or an empty text.
    pub name: String,
    /// Its words, with spaces between them.
    pub words: String,
    /// Version of the consent.
    pub consent: Option<String>,
}

/// Outcome of inserting a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Inserted.
    Inserted,
    /// Stored before with the same digest, at this time. Nothing was written.
    SameAgain(Timestamp),
    /// The id exists with a different digest. Nothing was written.
    Conflict,
    /// The id is an alias of another registration, from a correction. Nothing was written.
    AliasTaken,
    /// The id is that of a deleted registration. Nothing was written.
    Deleted,
    /// The id is that of a deleted registration whose number is free again, under the next id. Nothing was written.
    Vacated,
}

impl InsertOutcome {
    /// Returns the outcome for a record whose id is stored, with the same content or another.
    pub(crate) fn for_stored(has_same_content: bool, received_at: Timestamp) -> Self {
        if has_same_content {
            Self::SameAgain(received_at)
        } else {
            Self::Conflict
        }
    }
}

impl Store {
    /// Inserts each record of a batch unless its id exists, and returns the outcomes in the same order. What is
    /// acknowledged survives the loss of any one process or node. An error concerns only its record: the others may
    /// be stored. Idempotent. The caller keeps to [`MAX_BATCH_RECORDS`] and [`MAX_BATCH_BYTES`].
    pub async fn insert<R: NewRecord>(&self, batch: Vec<R>) -> Vec<Result<InsertOutcome>> {
        let insert = async {
            let outcomes = dispatch!(self.insert(batch, Timestamp::now()));
            if outcomes.iter().any(Result::is_err) {
                return Err(outcomes);
            }
            Ok(outcomes)
        };
        let outcomes = self.time("keep", insert).await;
        outcomes.unwrap_or_else(|outcomes| outcomes)
    }
}

/// Returns what these records add to the counts, by campaign.
fn sum_deltas<'a, R: NewRecord>(inserted: impl IntoIterator<Item = &'a R>) -> Vec<Delta> {
    let mut deltas = BTreeMap::new();
    for record in inserted {
        let campaign = record.campaign();
        let delta = deltas.entry(&campaign.id);
        let delta = delta.or_insert_with(|| Delta::new(campaign));
        delta.add(campaign, record.answers(), 1);
    }
    deltas.into_values().collect()
}

/// Returns the answers as a JSON object.
pub(crate) fn answers_to_json(campaign: &Campaign, answers: &Answers) -> Result<String> {
    let mut json = Vec::with_capacity(128);
    serde_json::Serializer::new(&mut json)
        .collect_map(answers.named(campaign))
        .map_err(|_| StoreError::malformed("answers"))?;
    String::from_utf8(json).map_err(|_| StoreError::malformed("answers"))
}
