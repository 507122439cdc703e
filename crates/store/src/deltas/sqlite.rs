//! Deltas in SQLite: one row each, in order of commit.

use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;

use super::Delta;
use crate::error::{Result, StoreError};
use crate::sqlite::convert;

/// Number of deltas to retain. A follower further behind counts anew, which takes no longer.
const RETAINED: i64 = 100_000;

/// Number of rows deleted at once.
const PRUNE_INTERVAL: i64 = 1_000;

/// Appends a delta, in the transaction of the change.
pub(crate) fn append(connection: &Connection, delta: &Delta) -> Result<()> {
    if delta.counts.is_empty() {
        return Ok(());
    }
    let counts: Vec<_> = delta.counts.iter().collect();
    let fields = serde_json::to_string(&delta.fields).map_err(|_| malformed())?;
    let counts = serde_json::to_string(&counts).map_err(|_| malformed())?;
    let sql = "INSERT INTO deltas (campaign, fields, counts) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.insert((delta.campaign.as_str(), fields, counts))?;
    if last % PRUNE_INTERVAL == 0 {
        let sql = "DELETE FROM deltas WHERE seq <= ?1";
        connection.prepare_cached(sql)?.execute([last - RETAINED])?;
    }
    Ok(())
}

/// Reads `campaign, fields, counts` from the second column on; `None` if this is not what [`append`] wrote.
pub(crate) fn read(row: &Row<'_>) -> Option<Delta> {
    let counts: Vec<_> = read_json(row, 3)?;
    Some(Delta {
        campaign: convert::campaign(row, 1).ok()?,
        fields: read_json(row, 2)?,
        counts: counts.into_iter().collect(),
    })
}

fn read_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Option<T> {
    let json = row.get_ref(column).ok()?.as_str().ok()?;
    serde_json::from_str(json).ok()
}

fn malformed() -> StoreError {
    StoreError::malformed("delta")
}
