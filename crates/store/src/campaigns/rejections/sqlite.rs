//! Rejection counts in SQLite: one row per campaign, day and reason.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rusqlite::{Connection, Row};

use crate::error::Result;
use crate::sqlite::convert::{count, number};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::CampaignId;

impl SqliteStore {
    pub(crate) async fn add_rejections(
        &self,
        campaign: &CampaignId,
        day: Date,
        counts: &BTreeMap<String, u64>,
    ) -> Result<()> {
        let (campaign, day, counts) = (campaign.clone(), day.to_string(), counts.clone());
        let add = move |connection: &Connection| {
            let sql = "INSERT INTO refusals (campaign, day, reason, count) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (campaign, day, reason) \
                       DO UPDATE SET count = count + excluded.count";
            let mut statement = connection.prepare_cached(sql)?;
            for (reason, count) in &counts {
                statement.execute((campaign.as_str(), &day, reason, number(*count)))?;
            }
            Ok(())
        };
        self.writer.write(add).await
    }

    pub(crate) async fn rejections(
        &self,
        campaign: &CampaignId,
        since: Date,
    ) -> Result<BTreeMap<String, u64>> {
        let sql = "SELECT reason, sum(count) FROM refusals \
                   WHERE campaign = ?1 AND day >= ?2 GROUP BY reason";
        let bounds = (campaign.as_str().to_owned(), since.to_string());
        let read = |row: &Row<'_>| Ok((row.get(0)?, count(row, 1)?));
        Ok(self.query(sql, bounds, read).await?.into_iter().collect())
    }

    pub(crate) async fn delete_expired_rejections(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64> {
        let sql = "DELETE FROM refusals WHERE campaign = ?1 AND day < ?2";
        let expired = (campaign.as_str().to_owned(), before.to_string());
        self.execute(sql, expired).await
    }
}
