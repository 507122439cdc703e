//! A long list, read within one transaction and handed over in batches.

use rusqlite::Connection;

use super::row::{self, COLUMNS};
use crate::domain::Campaign;
use crate::store::StoreError;
use crate::store::stream::{BATCH, Sender};

/// The statement that reads whole registrations.
pub(super) fn select(filter: &str) -> String {
    format!("SELECT {COLUMNS} FROM registrations WHERE {filter}")
}

/// Sends every registration of a value, or of all; ends early when nobody takes them.
pub(super) fn all(
    connection: &mut Connection,
    campaign: &Campaign,
    value: Option<&str>,
    sender: &Sender,
) -> Result<(), StoreError> {
    // Both are ranges of the one index, in its order: nothing is sorted.
    let filter = match value {
        Some(_) => "campaign = ?1 AND value = ?2 ORDER BY received_at, id",
        None => "campaign = ?1 AND ?2 IS NULL ORDER BY value, received_at, id",
    };
    // One statement is one read transaction.
    let mut statement = connection.prepare(&select(filter))?;
    let mut rows = statement.query((campaign.id.as_str(), value))?;
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(row) = rows.next()? {
        batch.push(row::registration(campaign, row)?);
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            if sender.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
    }
    if !batch.is_empty() {
        sender.blocking_send(Ok(batch)).ok();
    }
    Ok(())
}
