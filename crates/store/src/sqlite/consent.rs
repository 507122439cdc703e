//! Consent texts in SQLite.

use rusqlite::{Connection, OptionalExtension};

use super::SqliteStore;
use crate::StoreError;
use jornada_domain::Localized;

pub(super) const TABLE: &str = "
CREATE TABLE consents (
    version TEXT PRIMARY KEY,
    es TEXT NOT NULL,
    en TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

impl SqliteStore {
    pub(crate) async fn insert_consent(
        &self,
        version: &str,
        text: &Localized,
    ) -> Result<(), StoreError> {
        let (version, words) = (version.to_owned(), text.clone());
        let keep = move |connection: &Connection| {
            let sql = "INSERT INTO consents (version, es, en) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (version) DO NOTHING";
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute((&version, &words.es, &words.en))?;
            Ok(())
        };
        self.writer.write(keep).await
    }

    pub(crate) async fn consent(&self, version: &str) -> Result<Option<Localized>, StoreError> {
        let version = version.to_owned();
        let read = move |connection: &mut Connection| {
            let sql = "SELECT es, en FROM consents WHERE version = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let words = statement.query_row([&version], |row| {
                let (es, en) = (row.get(0)?, row.get(1)?);
                Ok(Localized { es, en })
            });
            Ok(words.optional()?)
        };
        self.readers.read(read).await
    }
}
