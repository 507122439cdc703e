//! Encrypted keys of photos in SQLite.

use rusqlite::Connection;

use super::SqliteStore;
use crate::StoreError;
use crate::wrapped_keys::WrappedKey;

impl SqliteStore {
    pub(crate) async fn add_wrapped_key(&self, key: &WrappedKey) -> Result<(), StoreError> {
        let key = key.clone();
        let add = move |connection: &Connection| {
            let sql = "INSERT INTO vault_keys (id, under, wrapped) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (id) DO NOTHING";
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute((key.id, key.master_key_id, &key.wrapped))?;
            Ok(())
        };
        self.writer.write(add).await
    }

    pub(crate) async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        let read = |connection: &mut Connection| {
            let sql = "SELECT id, under, wrapped FROM vault_keys ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((), |row| {
                Ok(WrappedKey {
                    id: row.get(0)?,
                    master_key_id: row.get(1)?,
                    wrapped: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.readers.read(read).await
    }

    pub(crate) async fn replace_wrapped_key(
        &self,
        old: &WrappedKey,
        new: &WrappedKey,
    ) -> Result<bool, StoreError> {
        let (old, new) = (old.clone(), new.clone());
        let rewrap = move |connection: &Connection| {
            let sql =
                "UPDATE vault_keys SET under = ?3, wrapped = ?4 WHERE id = ?1 AND wrapped = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.execute((old.id, &old.wrapped, new.master_key_id, &new.wrapped))? > 0)
        };
        self.writer.write(rewrap).await
    }
}
