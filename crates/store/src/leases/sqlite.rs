//! Leases in SQLite, by the clock of this machine, which all processes that open the file share.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use crate::error::Result;
use crate::sqlite::convert::time;
use crate::sqlite::handle::SqliteStore;
use crate::sqlite::records::NOW;
use crate::time_limit::to_ms;

impl SqliteStore {
    pub(crate) async fn acquire_lease(
        &self,
        name: &'static str,
        holder: Uuid,
        duration: Duration,
    ) -> Result<bool> {
        let sql = format!(
            "INSERT INTO leases (name, holder, until) VALUES (?1, ?2, {NOW} + ?3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
             WHERE holder = excluded.holder OR until < {NOW}"
        );
        let lease = (name, holder.into_bytes(), to_ms(duration));
        Ok(self.execute(sql, lease).await? > 0)
    }

    pub(crate) async fn release_lease(&self, name: &'static str, holder: Uuid) -> Result<()> {
        let sql = "DELETE FROM leases WHERE name = ?1 AND holder = ?2";
        self.execute(sql, (name, holder.into_bytes()))
            .await
            .map(drop)
    }

    pub(crate) async fn now(&self) -> Result<Timestamp> {
        let read = |connection: &mut Connection| {
            time(connection.query_row(&format!("SELECT {NOW}"), (), |row| row.get(0))?)
        };
        self.readers.read(read).await
    }
}
