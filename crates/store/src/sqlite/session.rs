//! Staff sessions in SQLite.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::SqliteStore;
use super::account::number;
use super::row::time;
use crate::StoreError;
use crate::session::MAX_SESSIONS;
use jornada_domain::staff::Session;

const COLUMNS: &str = "hash, account, epoch, created_at, seen_at";

impl SqliteStore {
    pub(crate) async fn add_session(&self, session: &Session) -> Result<(), StoreError> {
        let session = session.clone();
        let add = move |connection: &Connection| {
            let sql = "INSERT INTO sessions (hash, account, epoch, created_at, seen_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hash) DO NOTHING";
            connection.prepare_cached(sql)?.execute((
                session.hash,
                session.account.as_bytes(),
                number(session.epoch),
                session.created_at.as_millisecond(),
                session.seen_at.as_millisecond(),
            ))?;
            Ok(())
        };
        self.writer.write(add).await
    }

    pub(crate) async fn read_session(
        &self,
        hash: &[u8; 32],
    ) -> Result<Option<Session>, StoreError> {
        let hash = *hash;
        let read = move |connection: &mut Connection| {
            let sql = format!("SELECT {COLUMNS} FROM sessions WHERE hash = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_row([hash], |row| Ok(session(row)));
            found.optional()?.transpose()
        };
        self.readers.read(read).await
    }

    pub(crate) async fn touch_session(
        &self,
        hash: &[u8; 32],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let hash = *hash;
        let note = move |connection: &Connection| {
            let sql = "UPDATE sessions SET seen_at = max(seen_at, ?2) WHERE hash = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute((hash, at.as_millisecond()))?;
            Ok(())
        };
        self.writer.write(note).await
    }

    pub(crate) async fn remove_session(
        &self,
        account: Uuid,
        hash: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let hash = *hash;
        let remove = move |connection: &Connection| {
            let sql = "DELETE FROM sessions WHERE hash = ?1 AND account = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.execute((hash, account.as_bytes()))? > 0)
        };
        self.writer.write(remove).await
    }

    pub(crate) async fn sessions_of(&self, account: Uuid) -> Result<Vec<Session>, StoreError> {
        let read = move |connection: &mut Connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM sessions WHERE account = ?1 ORDER BY created_at DESC, hash LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows =
                statement.query_map((account.as_bytes(), MAX_SESSIONS), |row| Ok(session(row)))?;
            rows.map(|row| row?).collect()
        };
        self.readers.read(read).await
    }

    pub(crate) async fn delete_expired_sessions(
        &self,
        seen_before: Timestamp,
    ) -> Result<u64, StoreError> {
        let sweep = move |connection: &Connection| {
            let sql = "DELETE FROM sessions WHERE seen_at < ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.execute([seen_before.as_millisecond()])? as u64)
        };
        self.writer.write(sweep).await
    }
}

/// Reads [`COLUMNS`].
fn session(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        hash: row.get(0)?,
        account: Uuid::from_bytes(row.get(1)?),
        epoch: row.get::<_, i64>(2)?.unsigned_abs(),
        created_at: time(row.get(3)?)?,
        seen_at: time(row.get(4)?)?,
    })
}
