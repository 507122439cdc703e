//! Closed campaigns in SQLite.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::SqliteStore;
use super::row::time;
use crate::StoreError;
use jornada_domain::CampaignId;
use jornada_domain::early_closure::EarlyClosure;

pub(super) const TABLE: &str = "
CREATE TABLE closings (
    campaign TEXT PRIMARY KEY,
    at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    by TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

impl SqliteStore {
    pub(crate) async fn close_campaign(
        &self,
        campaign: &CampaignId,
        closure: &EarlyClosure,
    ) -> Result<bool, StoreError> {
        let (campaign, closing) = (campaign.clone(), closure.clone());
        let close = move |connection: &Connection| {
            let sql = "INSERT INTO closings (campaign, at, by, reason) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (campaign) DO NOTHING";
            let EarlyClosure { at, by, reason } = &closing;
            let row = (campaign.as_str(), at.as_millisecond(), by, reason);
            Ok(connection.prepare_cached(sql)?.execute(row)? > 0)
        };
        self.writer.write(close).await
    }

    pub(crate) async fn reopen_campaign(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        let campaign = campaign.clone();
        let reopen = move |connection: &Connection| {
            let sql = "DELETE FROM closings WHERE campaign = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.execute([campaign.as_str()])? > 0)
        };
        self.writer.write(reopen).await
    }

    pub(crate) async fn closures(&self) -> Result<BTreeMap<CampaignId, EarlyClosure>, StoreError> {
        let read = |connection: &mut Connection| {
            let sql = "SELECT campaign, at, by, reason FROM closings";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((), |row| Ok(read_closure(row)))?;
            rows.map(|row| row?).collect()
        };
        self.readers.read(read).await
    }
}

fn read_closure(row: &Row<'_>) -> Result<(CampaignId, EarlyClosure), StoreError> {
    let campaign = CampaignId::parse(&row.get::<_, String>(0)?);
    let closing = EarlyClosure {
        at: time(row.get(1)?)?,
        by: row.get(2)?,
        reason: row.get(3)?,
    };
    let campaign = campaign.ok_or_else(|| StoreError::malformed("campaign"))?;
    Ok((campaign, closing))
}
