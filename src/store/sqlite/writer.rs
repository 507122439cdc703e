//! The one thread that writes. What waits while a commit is on its way to the disk goes into the next one
//! together: many registrations share the price of one `fsync`.

use std::fmt;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::store::{StoreError, WAIT};

/// Writes that may wait.
const QUEUE: usize = 1024;

/// Most writes of one commit.
const GROUP: usize = 256;

/// Something to write, and who waits for its outcome.
trait Job: Send {
    /// Whether somebody still waits.
    fn is_awaited(&self) -> bool;

    /// Writes within the transaction of its group.
    fn write(&mut self, connection: &Connection) -> Result<(), StoreError>;

    /// Tells the outcome, once that transaction is on the disk or has failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Asked<W, T> {
    work: W,
    outcome: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<W, T> Job for Asked<W, T>
where
    W: FnMut(&Connection) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn is_awaited(&self) -> bool {
        !self.answer.is_closed()
    }

    fn write(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.outcome = Some((self.work)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self {
            outcome, answer, ..
        } = *self;
        answer
            .send(committed.and_then(|()| outcome.ok_or_else(gone)))
            .ok();
    }
}

/// Where writes are handed in. The thread ends with the last clone.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Box<dyn Job>>);

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread; the receiver is told of every commit.
    pub(super) fn start(connection: Connection) -> Result<(Self, watch::Receiver<()>), StoreError> {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let (written, told) = watch::channel(());
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || work(connection, jobs, &written))
            .map_err(|error| StoreError::Failed(error.into()))?;
        Ok((Self(sender), told))
    }

    /// Runs `work` in a transaction, and answers once it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Asked {
            work,
            outcome: None,
            answer,
        };
        let written = async {
            self.0.send(Box::new(job)).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        };
        timeout(WAIT, written)
            .await
            .map_err(|_| StoreError::late())?
    }

    /// Whether the thread still works.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.0.is_closed() {
            return Err(gone());
        }
        Ok(())
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the writing thread has ended".into())
}

fn work(
    mut connection: Connection,
    mut jobs: mpsc::Receiver<Box<dyn Job>>,
    written: &watch::Sender<()>,
) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        // Those that no longer wait may have been answered "ask again": their writes must not come later.
        group.retain(|job| job.is_awaited());
        let committed = commit(&mut connection, &mut group);
        if committed.is_ok() {
            written.send_replace(());
        }
        for job in group.drain(..) {
            job.answer(committed.as_ref().copied().map_err(StoreError::again));
        }
    }
}

fn commit(connection: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in group {
        job.write(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}
