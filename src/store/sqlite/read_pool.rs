//! Pool of read connections, bounded in number so that long lists and short reads do not starve each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::schema;
use crate::low_priority;
use crate::store::stream::BatchSender;
use crate::store::{OPERATION_TIMEOUT, StoreError};

/// Maximum number of short reads at once.
const MAX_SHORT_READS: usize = 4;

/// Maximum number of long lists at once.
const MAX_LISTS: usize = 4;

/// Read connections, reused while idle.
#[derive(Debug)]
pub(super) struct ReadPool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    short: Arc<Semaphore>,
    lists: Arc<Semaphore>,
}

impl ReadPool {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::default(),
            short: Arc::new(Semaphore::new(MAX_SHORT_READS)),
            lists: Arc::new(Semaphore::new(MAX_LISTS)),
        }
    }

    /// Runs a short read on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
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

    /// Runs a long list on a thread and a connection of its own, which frees its memory at the end.
    pub(super) async fn stream(
        &self,
        sender: BatchSender,
        list: impl FnOnce(&mut Connection, &BatchSender) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let permit = acquire_permit(&self.lists).await?;
        let path = self.path.clone();
        let started = low_priority::spawn("list", move || {
            let _permit = permit;
            let listed = open(&path).and_then(|mut connection| list(&mut connection, &sender));
            if let Err(error) = listed {
                // Fails only if the receiver was dropped.
                sender.blocking_send(Err(error)).ok();
            }
        });
        started.map_err(|error| StoreError::Unavailable(error.into()))
    }

    fn connection(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().pop();
        idle.map_or_else(|| open(&self.path), Ok)
    }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = schema::connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

async fn acquire_permit(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    let waited = timeout(OPERATION_TIMEOUT, Arc::clone(semaphore).acquire_owned()).await;
    waited
        .map_err(|_| StoreError::timed_out())?
        .map_err(|error| StoreError::Failed(error.into()))
}

/// Runs `work` on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Failed(error.into()))?
}
