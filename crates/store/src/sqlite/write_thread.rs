//! The write thread. Writes that arrive during a commit share the next one: many registrations share the cost of one
//! `fsync`.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{Result, StoreError};
use crate::time_limit::in_time;

const QUEUE_LENGTH: usize = 1024;

const MAX_GROUP_SIZE: usize = 256;

/// Writes in the transaction of the group, and keeps the outcome for the caller.
type Work = Box<dyn FnMut(&Connection) -> Result<()> + Send>;

/// A write, and the caller that awaits its commit.
struct WriteRequest {
    work: Work,
    committed: oneshot::Sender<Result<()>>,
}

/// A handle to the write thread, which ends with the last clone.
#[derive(Clone)]
pub(crate) struct WriteThread(mpsc::Sender<WriteRequest>);

impl fmt::Debug for WriteThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteThread").finish_non_exhaustive()
    }
}

impl WriteThread {
    /// Starts the thread. The receiver is notified of every commit.
    pub(crate) fn start(connection: Connection) -> Result<(Self, watch::Receiver<()>)> {
        let (sender, jobs) = mpsc::channel(QUEUE_LENGTH);
        let (written, commits) = watch::channel(());
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(connection, jobs, &written))
            .map_err(|error| StoreError::Failed(error.into()))?;
        Ok((Self(sender), commits))
    }

    /// Runs `work` in a transaction. Returns once it is on disk.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let outcome = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&outcome);
        let work = move |connection: &Connection| {
            *slot.lock() = Some(work(connection)?);
            Ok(())
        };
        let (committed, answered) = oneshot::channel();
        let request = WriteRequest {
            work: Box::new(work),
            committed,
        };
        let written = async {
            let queued = self.0.send(request).await;
            queued.map_err(|_| thread_ended())?;
            answered.await.map_err(|_| thread_ended())?
        };
        in_time(written).await?;
        let outcome = outcome.lock().take();
        outcome.ok_or_else(thread_ended)
    }

    /// Fails if the thread has ended.
    pub(crate) fn ensure_running(&self) -> Result<()> {
        if self.0.is_closed() {
            return Err(thread_ended());
        }
        Ok(())
    }
}

fn thread_ended() -> StoreError {
    StoreError::Unavailable("the write thread has ended".into())
}

fn run(
    mut connection: Connection,
    mut jobs: mpsc::Receiver<WriteRequest>,
    written: &watch::Sender<()>,
) {
    let mut group = Vec::with_capacity(MAX_GROUP_SIZE);
    while jobs.blocking_recv_many(&mut group, MAX_GROUP_SIZE) > 0 {
        // A caller that no longer waits may retry: its first write must not follow later.
        group.retain(|request| !request.committed.is_closed());
        let committed = commit(&mut connection, &mut group);
        if committed.is_ok() {
            written.send_replace(());
        }
        for request in group.drain(..) {
            let answer = committed.as_ref().copied().map_err(StoreError::duplicate);
            request.committed.send(answer).ok();
        }
    }
}

fn commit(connection: &mut Connection, group: &mut [WriteRequest]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for request in group {
        (request.work)(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}
