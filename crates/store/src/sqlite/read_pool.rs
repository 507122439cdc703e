//! Pool of read connections, bounded in number so that long lists and short reads do not starve each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::file;
use crate::error::{Result, StoreError};
use crate::time_limit::in_time;
use jornada_runtime::low_priority;

const MAX_SHORT_READS: usize = 4;

const MAX_LISTS: usize = 4;

/// Read connections, reused while idle.
#[derive(Debug)]
pub(crate) struct ReadPool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    short: Arc<Semaphore>,
    lists: Arc<Semaphore>,
}

impl ReadPool {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::default(),
            short: Arc::new(Semaphore::new(MAX_SHORT_READS)),
            lists: Arc::new(Semaphore::new(MAX_LISTS)),
        }
    }

    /// Runs a short read on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = acquire_permit(&self.short).await?;
        let readers = Arc::clone(self);
        blocking(move || {
            let _permit = permit;
            let mut connection = readers.connection()?;
            let answer = read(&mut connection)?;
            readers.idle.lock().push(connection);
            Ok(answer)
        })
        .await
    }

    /// Runs a long list on a thread and a connection of its own, which frees its memory at the end. `send_error` gets
    /// an error that ended the list.
    pub(crate) async fn stream(
        &self,
        list: impl FnOnce(&mut Connection) -> Result<()> + Send + 'static,
        send_error: impl FnOnce(StoreError) + Send + 'static,
    ) -> Result<()> {
        let permit = acquire_permit(&self.lists).await?;
        let path = self.path.clone();
        let started = low_priority::spawn("list", move || {
            let _permit = permit;
            open(&path)
                .and_then(|mut connection| list(&mut connection))
                .unwrap_or_else(send_error);
        });
        started.map_err(|error| StoreError::Unavailable(error.into()))
    }

    fn connection(&self) -> Result<Connection> {
        let idle = self.idle.lock().pop();
        idle.map_or_else(|| open(&self.path), Ok)
    }
}

fn open(path: &Path) -> Result<Connection> {
    let connection = file::connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

async fn acquire_permit(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let acquired = Arc::clone(semaphore).acquire_owned();
    in_time(async {
        acquired
            .await
            .map_err(|error| StoreError::Failed(error.into()))
    })
    .await
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Failed(error.into()))?
}
