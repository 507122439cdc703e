//! API tokens in SQLite.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::SqliteStore;
use super::account::{places, reach};
use super::row::time;
use crate::StoreError;
use crate::token::MAX_TOKENS;
use jornada_domain::staff::{ApiToken, Scopes};

const COLUMNS: &str = "hash, name, scopes, places, created_at, expires_at, revoked_at";

impl SqliteStore {
    pub(crate) async fn add_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        let token = token.clone();
        let add = move |connection: &Connection| {
            let sql = "INSERT INTO tokens (hash, name, scopes, places, created_at, expires_at, revoked_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (hash) DO NOTHING";
            connection.prepare_cached(sql)?.execute((
                token.hash,
                &token.name,
                token.scopes.to_text(),
                places(&token.place_scope),
                token.created_at.as_millisecond(),
                token.expires_at.map(Timestamp::as_millisecond),
                token.revoked_at.map(Timestamp::as_millisecond),
            ))?;
            Ok(())
        };
        self.writer.write(add).await
    }

    pub(crate) async fn read_token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        let hash = *hash;
        let read = move |connection: &mut Connection| {
            let sql = format!("SELECT {COLUMNS} FROM tokens WHERE hash = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_row([hash], |row| Ok(token(row)));
            found.optional()?.transpose()
        };
        self.readers.read(read).await
    }

    pub(crate) async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let read = |connection: &mut Connection| {
            let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY name, hash LIMIT ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([MAX_TOKENS], |row| Ok(token(row)))?;
            rows.map(|row| row?).collect()
        };
        self.readers.read(read).await
    }

    pub(crate) async fn revoke_token(
        &self,
        hash: &[u8; 32],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let hash = *hash;
        let revoke = move |connection: &Connection| {
            let sql = "UPDATE tokens SET revoked_at = ?2 WHERE hash = ?1 AND revoked_at IS NULL";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.execute((hash, at.as_millisecond()))? > 0)
        };
        self.writer.write(revoke).await
    }
}

/// Reads [`COLUMNS`].
fn token(row: &Row<'_>) -> Result<ApiToken, StoreError> {
    let moment = |place: usize| {
        let millisecond: Option<i64> = row.get(place)?;
        millisecond.map(time).transpose()
    };
    Ok(ApiToken {
        hash: row.get(0)?,
        name: row.get(1)?,
        scopes: Scopes::parse(&row.get::<_, String>(2)?),
        place_scope: reach(&row.get::<_, String>(3)?)?,
        created_at: time(row.get(4)?)?,
        expires_at: moment(5)?,
        revoked_at: moment(6)?,
    })
}
