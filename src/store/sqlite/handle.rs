//! The handle to a SQLite file.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::file;
use super::read_pool::{self, ReadPool};
use super::write_thread::WriteThread;
use crate::store::error::StoreError;

/// One SQLite file; several processes may have it open.
#[derive(Clone, Debug)]
pub(crate) struct SqliteStore {
    pub(crate) readers: Arc<ReadPool>,
    pub(crate) writer: WriteThread,
    pub(crate) commits: watch::Receiver<()>,
}

impl SqliteStore {
    /// Opens a file, and creates it with these tables if it is missing.
    pub(crate) async fn open(
        path: &Path,
        tables: &'static [&'static str],
    ) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        let connection = read_pool::blocking(move || file::open(&owned, tables)).await?;
        let (writer, commits) = WriteThread::start(connection)?;
        Ok(Self {
            readers: Arc::new(ReadPool::new(path)),
            writer,
            commits,
        })
    }
}
