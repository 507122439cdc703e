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
    let mut counts = BTreeMap::new();
    let mut current: (String, Vec<u64>) = Default::default();
    while let Some(row) = rows.next()? {
        let value = row.get_ref(0)?.as_str();
        let value = value.map_err(|_| StoreError::malformed("value"))?;
        if current.1.is_empty() || current.0 != value {
            let new = (value.to_owned(), vec![0; days.len() - 1]);
            let (value, before) = std::mem::replace(&mut current, new);
            counts.insert(value, before);
        }
        let received_at: i64 = row.get(1)?;
        let day = days.partition_point(|day| *day <= received_at) - 1;
        current.1[day] += 1;
    }
    counts.insert(current.0, current.1);
    counts.retain(|_, days| !days.is_empty());
    Ok(counts)
}
