//! Registrations by day, from an index and in its order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::error::{Result, StoreError};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::CampaignId;

impl SqliteStore {
    pub(crate) async fn count_by_day(
        &self,
        campaign: &CampaignId,
        days: &[Timestamp],
    ) -> Result<BTreeMap<String, Vec<u64>>> {
        let campaign = campaign.clone();
        let days: Vec<_> = days.iter().map(|day| day.as_millisecond()).collect();
        let read = move |connection: &mut Connection| count_by_day(connection, &campaign, &days);
        self.readers.read(read).await
    }
}

fn count_by_day(
    connection: &Connection,
    campaign: &CampaignId,
    days: &[i64],
) -> Result<BTreeMap<String, Vec<u64>>> {
    let (Some(first), Some(end)) = (days.first(), days.last()) else {
        return Ok(BTreeMap::new());
    };
    // The unary plus keeps the planner on the index in order of the values.
    let sql = "SELECT value, received_at FROM registrations INDEXED BY registrations_in_order \
               WHERE campaign = ?1 AND +received_at >= ?2 AND +received_at < ?3 ORDER BY value";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((campaign.as_str(), first, end))?;
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let value = row.get_ref(0)?.as_str();
        let value = value.map_err(|_| StoreError::malformed("value"))?;
        if counts
            .last_key_value()
            .is_none_or(|(last, _)| last != value)
        {
            counts.insert(value.to_owned(), vec![0; days.len() - 1]);
        }
        let received_at: i64 = row.get(1)?;
        let day = days.partition_point(|day| *day <= received_at) - 1;
        if let Some(mut of_value) = counts.last_entry() {
            of_value.get_mut()[day] += 1;
        }
    }
    Ok(counts)
}
