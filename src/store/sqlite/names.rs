//! Fills in names, a batch in one transaction of the writing thread.

use rusqlite::Connection;

use super::SqliteStore;
use super::row::{self, COLUMNS};
use crate::domain::Campaign;
use crate::store::StoreError;
use crate::store::names::BATCH;

impl SqliteStore {
    pub(in crate::store) async fn fill_names(
        &self,
        campaign: &Campaign,
    ) -> Result<usize, StoreError> {
        let campaign = campaign.clone();
        let fill = move |connection: &Connection| fill(connection, &campaign);
        self.writer.write(fill).await
    }
}

fn fill(connection: &Connection, campaign: &Campaign) -> Result<usize, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM registrations INDEXED BY registrations_by_name \
         WHERE campaign = ?1 AND name IS NULL LIMIT {BATCH}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([campaign.id.as_str()])?;
    let mut nameless = Vec::new();
    while let Some(row) = rows.next()? {
        nameless.push(row::registration(campaign, row)?);
    }
    let sql = "UPDATE registrations SET name = ?2 WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    for registration in &nameless {
        let name = campaign.searched_name(&registration.answers);
        statement.execute((registration.id.as_bytes(), name.unwrap_or_default()))?;
    }
    Ok(nameless.len())
}
