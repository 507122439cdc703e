//! New votes: how they are stored, and compared with the one that has their id.

use std::sync::Arc;

use jiff::Timestamp;
use mongodb::bson::{RawDocument, RawDocumentBuf};
use rusqlite::{Connection, OptionalExtension};

use super::{document, row};
use crate::error::{Result, StoreError};
use crate::insert::{InsertOutcome, NewRecord, RowTexts, answers_to_json};
use crate::mongo::convert::{self, read_field};
use crate::registrations::{answers_by_field, answers_from_json};
use crate::sqlite::convert::time;
use jornada_domain::vote::QueuePlace;
use jornada_domain::{Answers, Campaign, RegistrationId, Vote};

/// Size of a stored vote without its answers, roughly.
const FIXED_SIZE: usize = 128;

/// A vote to insert.
#[derive(Clone, Debug)]
pub struct NewVote {
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// The vote.
    pub vote: Vote,
    /// Its place in the queue, if it came by one.
    pub queue_place: Option<QueuePlace>,
}

impl NewVote {
    fn compare_answers(&self, stored: &Answers, received_at: Timestamp) -> InsertOutcome {
        InsertOutcome::for_stored(self.vote.answers == *stored, received_at)
    }
}

impl NewRecord for NewVote {
    const TABLE: &'static str = "votes";
    const COMPARED_FIELDS: &'static [&'static str] = &["answers", "received_at"];

    fn campaign(&self) -> &Arc<Campaign> {
        &self.campaign
    }

    fn id(&self) -> RegistrationId {
        self.vote.id
    }

    fn answers(&self) -> &Answers {
        &self.vote.answers
    }

    fn received_at(&self) -> Timestamp {
        self.vote.received_at
    }

    fn size(&self) -> usize {
        FIXED_SIZE + self.vote.answers.size()
    }

    fn compare(&self, first: &Self) -> InsertOutcome {
        self.compare_answers(&first.vote.answers, first.vote.received_at)
    }

    fn to_document(&self, now: Timestamp) -> Result<RawDocumentBuf> {
        document::to_document(&self.campaign, &self.vote, self.queue_place.as_ref(), now)
    }

    fn compare_document(&self, stored: &RawDocument) -> Result<InsertOutcome> {
        let answers = read_field(stored, "answers", |field| {
            answers_by_field(&self.campaign, field.as_document()?)
        });
        let received_at = read_field(stored, "received_at", convert::time)?;
        Ok(self.compare_answers(&answers?, received_at))
    }

    fn to_texts(&self) -> Result<RowTexts> {
        Ok(RowTexts {
            answers: answers_to_json(&self.campaign, &self.vote.answers)?,
            ..RowTexts::default()
        })
    }

    fn insert_row(
        &self,
        texts: &RowTexts,
        now: Timestamp,
        connection: &Connection,
    ) -> Result<bool> {
        let Vote {
            id,
            campaign,
            received_at,
            door,
            instance,
            ..
        } = &self.vote;
        let inserted = connection.prepare_cached(row::INSERT)?.execute((
            id.as_bytes(),
            campaign.as_str(),
            &texts.answers,
            received_at.as_millisecond(),
            <&str>::from(door),
            instance.as_deref(),
            now.as_millisecond(),
            self.queue_place.as_ref().and_then(|place| place.partition),
            self.queue_place.as_ref().map(|place| &place.offset),
        ))?;
        Ok(inserted == 1)
    }

    fn compare_row(&self, connection: &Connection) -> Result<InsertOutcome> {
        let sql = "SELECT answers, received_at FROM votes WHERE id = ?1";
        let first: Option<(String, i64)> = connection
            .prepare_cached(sql)?
            .query_row([self.vote.id.as_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let (answers, received_at) = first.ok_or_else(|| StoreError::malformed("vote"))?;
        let answers = answers_from_json(&self.campaign, &answers)?;
        Ok(self.compare_answers(&answers, time(received_at)?))
    }
}
