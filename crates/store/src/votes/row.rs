//! Converts votes from rows, and the statement that inserts one.

use rusqlite::Row;

use crate::error::{Result, StoreError};
use crate::registrations::answers_from_json;
use crate::sqlite::convert::{self, time};
use jornada_domain::vote::{QueuePlace, StoredVote};
use jornada_domain::{Campaign, Door, Vote};

pub(super) const INSERT: &str = "INSERT INTO votes \
    (id, campaign, answers, received_at, door, instance, stored_at, partition, offset) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING";

/// Columns that [`read_stored`] reads.
pub(super) const STORED: &str =
    "id, answers, received_at, door, instance, stored_at, partition, offset";

/// Columns that [`read_vote`] reads.
pub(super) const VOTE: &str = "id, answers, received_at, door, instance";

/// Reads the columns [`VOTE`].
pub(super) fn read_vote(campaign: &Campaign, row: &Row<'_>) -> Result<Vote> {
    let door = row.get_ref(3)?.as_str().unwrap_or_default();
    Ok(Vote {
        id: convert::registration_id(row, 0)?,
        campaign: campaign.id.clone(),
        answers: answers_from_json(campaign, row.get_ref(1)?.as_str().unwrap_or_default())?,
        received_at: time(row.get(2)?)?,
        door: door
            .parse::<Door>()
            .map_err(|_| StoreError::malformed("door"))?,
        instance: row.get::<_, Option<String>>(4)?.map(Into::into),
    })
}

pub(super) fn read_stored(campaign: &Campaign, row: &Row<'_>) -> Result<StoredVote> {
    let offset: Option<String> = row.get(7)?;
    let partition = row.get(6)?;
    Ok(StoredVote {
        vote: read_vote(campaign, row)?,
        stored_at: Some(time(row.get(5)?)?),
        queue_place: offset.map(|offset| QueuePlace { partition, offset }),
    })
}
