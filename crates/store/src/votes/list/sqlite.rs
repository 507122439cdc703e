//! The list of votes in SQLite.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::{Range, VotePage, VoteQuery};
use crate::error::Result;
use crate::sqlite::convert::{registration_id, time};
use crate::sqlite::handle::SqliteStore;
use crate::votes::row::{STORED, read_stored};
use jornada_domain::vote::{StoredVote, VotePosition};
use jornada_domain::{Campaign, RegistrationId};

/// A range of positions of a campaign, with the parameters of [`range_values`].
const RANGE: &str = "FROM votes INDEXED BY votes_newest WHERE campaign = ?1 \
    AND (received_at, id) >= (?2, ?3) AND (received_at, id) < (?4, ?5)";

const NEWEST_FIRST: &str = "ORDER BY received_at DESC, id DESC";

impl SqliteStore {
    pub(crate) async fn list_votes(
        &self,
        campaign: &Arc<Campaign>,
        query: &VoteQuery,
    ) -> Result<VotePage> {
        let Some(range) = query.range() else {
            return Ok(query.page(Vec::new(), None));
        };
        let (campaign, query) = (Arc::clone(campaign), query.clone());
        let list = move |connection: &mut Connection| {
            // One snapshot for both queries.
            let reader = connection.transaction()?;
            list(&reader, &campaign, &query, range)
        };
        self.readers.read(list).await
    }

    pub(crate) async fn stored_vote(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<StoredVote>> {
        let sql = format!("SELECT {STORED} FROM votes WHERE id = ?1 AND campaign = ?2");
        let parameters = (*id.as_bytes(), campaign.id.as_str().to_owned());
        let campaign = Arc::clone(campaign);
        let read = move |row: &Row<'_>| read_stored(&campaign, row);
        Ok(self.query(sql, parameters, read).await?.pop())
    }
}

fn list(
    reader: &Connection,
    campaign: &Campaign,
    query: &VoteQuery,
    mut range: Range,
) -> Result<VotePage> {
    let mut reached = None;
    if query.filter.passes_over() {
        reached = find_last_examined(reader, campaign, query.max_examined, range)?;
        range.0 = reached.unwrap_or(range.0);
    }
    let mut values = range_values(campaign, range);
    let mut place = |value: &str| {
        values.push(value.to_owned().into());
        format!("?{}", values.len())
    };
    let mut conditions = vec![format!("SELECT {STORED} {RANGE}")];
    for (name, answers) in &query.filter.answers {
        let path = place(&format!("$.\"{name}\""));
        let answers: Vec<_> = answers.iter().map(|answer| place(answer)).collect();
        let answers = answers.join(", ");
        conditions.push(format!("json_extract(answers, {path}) IN ({answers})"));
    }
    if let Some(door) = query.filter.door {
        conditions.push(format!("door = {}", place(door.into())));
    }
    if let Some(instance) = &query.filter.instance {
        conditions.push(format!("instance = {}", place(instance)));
    }
    values.push((i64::from(query.limit) + 1).into());
    let conditions = conditions.join(" AND ");
    let sql = format!("{conditions} {NEWEST_FIRST} LIMIT ?{}", values.len());
    let mut statement = reader.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok(read_stored(campaign, row))
    })?;
    let votes = rows.map(|row| row?).collect::<Result<_>>()?;
    Ok(query.page(votes, reached))
}

/// Returns the position of the last of `count` votes of a range, from the index alone. `None` if the range has fewer.
fn find_last_examined(
    reader: &Connection,
    campaign: &Campaign,
    count: u32,
    range: Range,
) -> Result<Option<VotePosition>> {
    let sql = format!("SELECT received_at, id {RANGE} {NEWEST_FIRST} LIMIT 1 OFFSET ?6");
    let mut values = range_values(campaign, range);
    values.push(i64::from(count.max(1) - 1).into());
    let mut statement = reader.prepare_cached(&sql)?;
    let found = statement
        .query_row(params_from_iter(values), |row| {
            Ok((row.get::<_, i64>(0)?, registration_id(row, 1)?))
        })
        .optional()?;
    let position = found.map(|(received_at, id)| {
        let received_at = time(received_at)?;
        Ok(VotePosition { received_at, id })
    });
    position.transpose()
}

fn range_values(campaign: &Campaign, (first, end): Range) -> Vec<Value> {
    let bound = |position: VotePosition| -> [Value; 2] {
        [
            position.received_at.as_millisecond().into(),
            position.id.as_bytes().to_vec().into(),
        ]
    };
    let campaign = Value::from(campaign.id.as_str().to_owned());
    let bounds = bound(first).into_iter().chain(bound(end));
    [campaign].into_iter().chain(bounds).collect()
}
