//! Statistics in SQLite. Registrations by day come from an index, read in its order. Rejections have a table.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::Connection;

use super::SqliteStore;
use crate::StoreError;
use jornada_domain::CampaignId;

pub(super) const TABLE: &str = "
CREATE TABLE refusals (
    campaign TEXT NOT NULL,
    day TEXT NOT NULL, -- as 2026-11-25, in the campaign's time zone
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (campaign, day, reason)
) STRICT, WITHOUT ROWID;
";

impl SqliteStore {
    pub(crate) async fn count_by_day(
        &self,
        campaign: &CampaignId,
        days: &[Timestamp],
    ) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
        let campaign = campaign.clone();
        let days: Vec<_> = days.iter().map(|day| day.as_millisecond()).collect();
        let read = move |connection: &mut Connection| count_by_day(connection, &campaign, &days);
        self.readers.read(read).await
    }

    pub(crate) async fn add_rejections(
        &self,
        campaign: &CampaignId,
        day: Date,
        counts: &BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        let (campaign, day, counts) = (campaign.clone(), day.to_string(), counts.clone());
        let add = move |connection: &Connection| {
            let sql = "INSERT INTO refusals (campaign, day, reason, count) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (campaign, day, reason) \
                       DO UPDATE SET count = count + excluded.count";
            let mut statement = connection.prepare_cached(sql)?;
            for (reason, count) in &counts {
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                statement.execute((campaign.as_str(), &day, reason, count))?;
            }
            Ok(())
        };
        self.writer.write(add).await
    }

    pub(crate) async fn rejections(
        &self,
        campaign: &CampaignId,
        since: Date,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let (campaign, since) = (campaign.clone(), since.to_string());
        let read = move |connection: &mut Connection| {
            let sql = "SELECT reason, sum(count) FROM refusals \
                       WHERE campaign = ?1 AND day >= ?2 GROUP BY reason";
            let mut statement = connection.prepare_cached(sql)?;
            let sums = statement.query_map((campaign.as_str(), &since), |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
            })?;
            Ok(sums.collect::<Result<_, _>>()?)
        };
        self.readers.read(read).await
    }
}

fn count_by_day(
    connection: &Connection,
    campaign: &CampaignId,
    days: &[i64],
) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
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
