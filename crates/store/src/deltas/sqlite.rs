//! Deltas in SQLite: one row each, in order of commit.

use rusqlite::Connection;

use super::Delta;
use crate::error::{Result, StoreError};

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
    let to_json = |json: Result<String, _>| {
        json.map_err(|_: serde_json::Error| StoreError::malformed("delta"))
    };
    let fields = to_json(serde_json::to_string(&delta.fields))?;
    let counts = to_json(serde_json::to_string(&counts))?;
    let sql = "INSERT INTO deltas (campaign, fields, counts) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.insert((delta.campaign.as_str(), fields, counts))?;
    if last % PRUNE_INTERVAL == 0 {
        let sql = "DELETE FROM deltas WHERE seq <= ?1";
        connection.prepare_cached(sql)?.execute([last - RETAINED])?;
    }
    Ok(())
}
