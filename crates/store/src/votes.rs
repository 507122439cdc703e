//! Votes: inserted in batches, looked up, read page by page, and erased as a whole.

mod mongo;
mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use mongodb::bson::{RawDocument, RawDocumentBuf};
use rusqlite::{Connection, OptionalExtension};

use crate::deltas::Delta;
use crate::error::{Result, StoreError};
use crate::handle::{Store, dispatch};
use crate::insert::{InsertOutcome, NewRecord, RowTexts, answers_to_json};
use crate::mongo::convert::{self, read_field};
use crate::registrations::answers_by_field;
use crate::sqlite::convert::time;
use jornada_domain::{Answers, Campaign, CampaignId, ReceiptNumber, RegistrationId, Vote};

/// Size of a stored vote without its answers, roughly.
const FIXED_SIZE: usize = 128;

/// A vote to insert.
#[derive(Clone, Debug)]
pub struct NewVote {
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// The vote.
    pub vote: Vote,
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

    fn to_document(&self) -> Result<RawDocumentBuf> {
        mongo::to_document(self)
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

    fn insert_row(&self, texts: &RowTexts, connection: &Connection) -> Result<bool> {
        let Vote {
            id,
            campaign,
            received_at,
            door,
            ..
        } = &self.vote;
        let inserted = connection.prepare_cached(sqlite::INSERT)?.execute((
            id.as_bytes(),
            campaign.as_str(),
            &texts.answers,
            received_at.as_millisecond(),
            <&str>::from(door),
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
        let answers = sqlite::answers(&self.campaign, &answers)?;
        Ok(self.compare_answers(&answers, time(received_at)?))
    }
}

/// A vote found by its receipt number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVote {
    /// Id of the vote.
    pub id: RegistrationId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Answers by the names of the fields.
    pub answers: BTreeMap<String, String>,
    /// Time of receipt.
    pub received_at: Timestamp,
}

impl Store {
    /// Returns the vote whose receipt has this number.
    pub async fn vote(&self, number: ReceiptNumber) -> Result<Option<FoundVote>> {
        dispatch!("vote", self.vote(number))
    }

    /// Returns up to `limit` votes of a campaign with ids above `after`, in the order of the ids.
    pub async fn votes_after(
        &self,
        campaign: &Arc<Campaign>,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<Vote>> {
        dispatch!("votes", self.votes_after(campaign, after, limit))
    }

    /// Deletes these votes of a campaign together with their counts, in one transaction. Returns how many there were.
    pub async fn erase_votes(&self, campaign: &Arc<Campaign>, votes: Vec<Vote>) -> Result<u64> {
        dispatch!("erase_votes", self.erase_votes(campaign, votes))
    }
}

/// Returns what the deletion of these votes takes from the counts.
fn subtract_deltas<'a>(campaign: &Campaign, votes: impl IntoIterator<Item = &'a Vote>) -> Delta {
    let mut delta = Delta::new(campaign);
    for vote in votes {
        delta.add(campaign, &vote.answers, -1);
    }
    delta
}
