//! The write thread. Writes that arrive during a commit share the next one: many registrations share the cost of one
//! `fsync`.

use std::fmt;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{Result, StoreError};
use crate::time_limit::in_time;

/// Maximum number of queued writes.
const QUEUE_LENGTH: usize = 1024;

/// Maximum number of writes per commit.
const MAX_GROUP_SIZE: usize = 256;

/// A write, and the caller that awaits its outcome.
trait WriteJob: Send {
    /// Returns whether the caller still waits.
    fn is_awaited(&self) -> bool;

    /// Writes in the transaction of the group.
    fn write(&mut self, connection: &Connection) -> Result<()>;

    /// Reports the outcome once the transaction was committed or has failed.
    fn respond(self: Box<Self>, committed: Result<()>);
}

struct WriteRequest<W, T> {
    work: W,
    outcome: Option<T>,
    answer: oneshot::Sender<Result<T>>,
}

impl<W, T> WriteJob for WriteRequest<W, T>
where
    W: FnMut(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn is_awaited(&self) -> bool {
        !self.answer.is_closed()
    }

    fn write(&mut self, connection: &Connection) -> Result<()> {
        self.outcome = Some((self.work)(connection)?);
        Ok(())
    }

    fn respond(self: Box<Self>, committed: Result<()>) {
        let Self {
            outcome, answer, ..
        } = *self;
        answer
            .send(committed.and_then(|()| outcome.ok_or_else(thread_ended)))
            .ok();
    }
}

/// A handle to the write thread, which ends with the last clone.
#[derive(Clone)]
pub(crate) struct WriteThread(mpsc::Sender<Box<dyn WriteJob>>);

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
        work: impl FnMut(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job = WriteRequest {
            work,
            outcome: None,
            answer,
        };
        let written = async {
            self.0
                .send(Box::new(job))
                .await
                .map_err(|_| thread_ended())?;
            answered.await.map_err(|_| thread_ended())?
        };
        in_time(written).await
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
    mut jobs: mpsc::Receiver<Box<dyn WriteJob>>,
    written: &watch::Sender<()>,
) {
    let mut group = Vec::with_capacity(MAX_GROUP_SIZE);
    while jobs.blocking_recv_many(&mut group, MAX_GROUP_SIZE) > 0 {
        // A caller that no longer waits may retry: its first write must not follow later.
        group.retain(|job| job.is_awaited());
        let committed = commit(&mut connection, &mut group);
        if committed.is_ok() {
            written.send_replace(());
        }
        for job in group.drain(..) {
            job.respond(committed.as_ref().copied().map_err(StoreError::duplicate));
        }
    }
}

fn commit(connection: &mut Connection, group: &mut [Box<dyn WriteJob>]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in group {
        job.write(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}
