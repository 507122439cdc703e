//! Registrations in SQLite, one row each.

mod row;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Row};

pub(crate) use row::answers_from_json;
pub(super) use row::{COLUMNS, registration};

use super::Receipt;
use super::stream::{BATCH_SIZE, BatchSender, RegistrationStream};
use crate::error::{Result, StoreError};
use crate::sqlite::convert;
use crate::sqlite::handle::SqliteStore;
use crate::time_limit::{PING_TIMEOUT, with_timeout};
use jornada_domain::{
    Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, RegistrationSelection,
};

impl SqliteStore {
    pub(crate) async fn receipt(&self, number: ReceiptNumber) -> Result<Option<Receipt>> {
        let (least, greatest) = number.id_range();
        let ids = [*least.as_bytes(), *greatest.as_bytes()];
        let sql = "SELECT id, campaign, value, received_at FROM registrations \
                   WHERE id BETWEEN ?1 AND ?2 LIMIT 1";
        Ok(self.query(sql, ids, row::receipt).await?.pop())
    }

    pub(crate) async fn registration(
        &self,
        campaign: &Arc<Campaign>,
        id: RegistrationId,
    ) -> Result<Option<Registration>> {
        let campaign = Arc::clone(campaign);
        let key = (*id.as_bytes(), campaign.id.as_str().to_owned());
        let read = move |row: &Row<'_>| row::registration(&campaign, row);
        let found = self.query(select("id = ?1 AND campaign = ?2"), key, read);
        Ok(found.await?.pop())
    }

    pub(crate) async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>> {
        let sql = "SELECT answers FROM registrations WHERE id = ?1 AND campaign = ?2";
        let key = (*id.as_bytes(), campaign.as_str().to_owned());
        let read = |row: &Row<'_>| {
            let answers = serde_json::from_str(&row.get::<_, String>(0)?);
            answers.map_err(|_| StoreError::malformed("answers"))
        };
        Ok(self.query(sql, key, read).await?.pop().unwrap_or_default())
    }

    pub(crate) async fn count(
        &self,
        campaign: &CampaignId,
        selection: &RegistrationSelection,
    ) -> Result<u64> {
        let (campaign, selection) = (campaign.clone(), selection.clone());
        let read = move |connection: &mut Connection| count(connection, &campaign, &selection);
        self.readers.read(read).await
    }

    pub(crate) async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &RegistrationSelection,
    ) -> Result<RegistrationStream> {
        let (sender, batches) = RegistrationStream::channel();
        let (campaign, selection) = (Arc::clone(campaign), selection.clone());
        let failed = sender.clone();
        let list =
            move |connection: &mut Connection| send_all(connection, &campaign, &selection, &sender);
        // Sending fails only if the receiver was dropped.
        let send_error = move |error| drop(failed.blocking_send(Err(error)));
        self.readers.stream(list, send_error).await?;
        Ok(batches)
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        self.writer.ensure_running()?;
        let answered = self.readers.read(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
            Ok(())
        });
        with_timeout(PING_TIMEOUT, answered).await
    }
}

fn select(filter: &str) -> String {
    format!("SELECT {COLUMNS} FROM registrations WHERE {filter}")
}

fn count(
    connection: &Connection,
    campaign: &CampaignId,
    selection: &RegistrationSelection,
) -> Result<u64> {
    let sql = format!(
        "SELECT count(*) FROM registrations WHERE {}",
        filter(selection)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row(bounds(campaign, selection), |row| convert::count(row, 0))?)
}

/// Returns the condition of a selection, whose parameters are [`bounds`]: a range of one index, or a part of it.
fn filter(selection: &RegistrationSelection) -> &'static str {
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
    selection: &'a RegistrationSelection,
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
fn send_all(
    connection: &mut Connection,
    campaign: &Campaign,
    selection: &RegistrationSelection,
    sender: &BatchSender,
) -> Result<()> {
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
