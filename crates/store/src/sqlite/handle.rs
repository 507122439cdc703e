//! The handle to a SQLite file.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, Params, Row};
use tokio::sync::watch;

use super::file;
use super::read_pool::{self, ReadPool};
use super::write_thread::WriteThread;
use crate::error::Result;

/// One SQLite file; several processes may have it open.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    pub(crate) readers: Arc<ReadPool>,
    pub(crate) writer: WriteThread,
    pub(crate) commits: watch::Receiver<()>,
}

impl SqliteStore {
    /// Opens a file, and creates it with its tables if it is missing.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        let owned = path.to_owned();
        let connection = read_pool::blocking(move || file::open(&owned)).await?;
        let (writer, commits) = WriteThread::start(connection)?;
        Ok(Self {
            readers: Arc::new(ReadPool::new(path)),
            writer,
            commits,
        })
    }

    /// Returns the rows of a query.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        sql: impl AsRef<str> + Send + 'static,
        parameters: impl Params + Send + 'static,
        read: impl Fn(&Row<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Vec<T>> {
        let query = move |connection: &mut Connection| {
            let mut statement = connection.prepare_cached(sql.as_ref())?;
            let rows = statement.query_map(parameters, |row| Ok(read(row)))?;
            rows.map(|row| row?).collect()
        };
        self.readers.read(query).await
    }

    /// Runs one statement in a transaction. Returns the number of changed rows.
    pub(crate) async fn execute(
        &self,
        sql: impl AsRef<str> + Send + 'static,
        parameters: impl Params + Clone + Send + 'static,
    ) -> Result<u64> {
        let execute = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(sql.as_ref())?;
            Ok(statement.execute(parameters.clone())? as u64)
        };
        self.writer.write(execute).await
    }
}
