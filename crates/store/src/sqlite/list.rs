//! Streams a long list in batches, read in one transaction.

use jiff::Timestamp;
use rusqlite::Connection;

use super::row::{self, COLUMNS};
use crate::StoreError;
use crate::stream::{BATCH_SIZE, BatchSender};
use jornada_domain::{Campaign, CampaignId, Selection};

/// Returns the statement that reads registrations.
pub(super) fn select(filter: &str) -> String {
    format!("SELECT {COLUMNS} FROM registrations WHERE {filter}")
}

/// Counts the selected registrations.
pub(super) fn count(
    connection: &Connection,
    campaign: &CampaignId,
    selection: &Selection,
) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM registrations WHERE {}",
        filter(selection)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let count: i64 = statement.query_row(bounds(campaign, selection), |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Returns the condition of a selection, whose parameters are [`bounds`]: a range of one index, or a part of it.
fn filter(selection: &Selection) -> &'static str {
    match (&selection.tally_value, selection.from.or(selection.until)) {
        (Some(_), _) => "campaign = ?1 AND value = ?2 AND received_at >= ?3 AND received_at < ?4",
        // Without bounds, counting the index compares nothing with them.
        (None, None) => "campaign = ?1 AND ?2 IS NULL AND ?3 < ?4",
        (None, Some(_)) => {
            "campaign = ?1 AND ?2 IS NULL AND received_at >= ?3 AND received_at < ?4"
        }
    }
}

fn bounds<'a>(
    campaign: &'a CampaignId,
    selection: &'a Selection,
) -> (&'a str, Option<&'a str>, i64, i64) {
    let from = selection.from.map_or(i64::MIN, Timestamp::as_millisecond);
    let until = selection.until.map_or(i64::MAX, Timestamp::as_millisecond);
    (
        campaign.as_str(),
        selection.tally_value.as_deref(),
        from,
        until,
    )
}

/// Sends all selected registrations; stops early if the receiver is dropped.
pub(super) fn send_all(
    connection: &mut Connection,
    campaign: &Campaign,
    selection: &Selection,
    sender: &BatchSender,
) -> Result<(), StoreError> {
    // Both are ranges of one index, in its order: nothing is sorted.
    let order = match &selection.tally_value {
        Some(_) => "received_at, id",
        None => "value, received_at, id",
    };
    let condition = format!("{} ORDER BY {order}", filter(selection));
    // One statement is one read transaction.
    let mut statement = connection.prepare(&select(&condition))?;
    let mut rows = statement.query(bounds(&campaign.id, selection))?;
    let mut batch = Vec::with_capacity(BATCH_SIZE);
    while let Some(row) = rows.next()? {
        batch.push(row::registration(campaign, row)?);
        if batch.len() == BATCH_SIZE {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_SIZE));
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
