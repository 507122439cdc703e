//! Leases in SQLite, by the clock of this machine, which all processes that open the file share.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use crate::StoreError;
use crate::lease::to_ms;

/// Acquires or renews a lease. Returns false while another holder has it.
pub(super) fn acquire(
    connection: &Connection,
    name: &str,
    holder: Uuid,
    duration: Duration,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO leases (name, holder, until) \
               VALUES (?1, ?2, unixepoch('subsec') * 1000 + ?3) \
               ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
               WHERE holder = excluded.holder OR until < unixepoch('subsec') * 1000";
    let mut statement = connection.prepare_cached(sql)?;
    let length_ms = to_ms(duration);
    Ok(statement.execute((name, holder.as_bytes(), length_ms))? > 0)
}

/// Releases a lease if `holder` has it.
pub(super) fn release(connection: &Connection, name: &str, holder: Uuid) -> Result<(), StoreError> {
    let sql = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
    connection
        .prepare_cached(sql)?
        .execute((name, holder.as_bytes()))?;
    Ok(())
}

/// Returns the time of this machine.
pub(super) fn now(connection: &Connection) -> Result<Timestamp, StoreError> {
    let sql = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";
    let millisecond = connection.query_row(sql, (), |row| row.get(0))?;
    Timestamp::from_millisecond(millisecond).map_err(|_| StoreError::malformed("time"))
}
