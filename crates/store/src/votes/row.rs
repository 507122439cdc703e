//! Converts votes from rows, and the statement that inserts one.

use std::collections::BTreeMap;

use rusqlite::Row;

use crate::error::{Result, StoreError};
use crate::sqlite::convert::{self, time};
use jornada_domain::{Answers, Campaign, Door, Vote};

pub(super) const INSERT: &str = "INSERT INTO votes (id, campaign, answers, received_at, door) \
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING";

/// Reads the answers of a row.
pub(super) fn answers(campaign: &Campaign, json: &str) -> Result<Answers> {
    // Field names need no escape in JSON and can be borrowed.
    let answers = serde_json::from_str(json);
    let mut answers: BTreeMap<&str, String> =
        answers.map_err(|_| StoreError::malformed("answers"))?;
    let fields = campaign.fields.iter();
    let answers = fields.map(|field| answers.remove(field.name.as_str()));
    Ok(Answers::from_stored(answers.collect()))
}

/// Reads `id, answers, received_at, door`.
pub(super) fn read_vote(campaign: &Campaign, row: &Row<'_>) -> Result<Vote> {
    let door = row.get_ref(3)?.as_str().unwrap_or_default();
    Ok(Vote {
        id: convert::registration_id(row, 0)?,
        campaign: campaign.id.clone(),
        answers: answers(campaign, row.get_ref(1)?.as_str().unwrap_or_default())?,
        received_at: time(row.get(2)?)?,
        door: door
            .parse::<Door>()
            .map_err(|_| StoreError::malformed("door"))?,
    })
}
