//! The write thread. Writes that arrive during a commit share the next one: many registrations share the cost of one
//! `fsync`. A write that fails is undone alone.

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
        let outcomes = match commit(&mut connection, &mut group) {
            Ok(outcomes) => {
                written.send_replace(());
                outcomes
            }
            Err(error) => group.iter().map(|_| Err(error.duplicate())).collect(),
        };
        for (request, outcome) in group.drain(..).zip(outcomes) {
            request.committed.send(outcome).ok();
        }
    }
}

/// Commits a group and returns the outcome of each write.
fn commit(connection: &mut Connection, group: &mut [WriteRequest]) -> Result<Vec<Result<()>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let writes = group.iter_mut().map(|request| &mut request.work);
    let outcomes = writes.map(|work| write_or_undo(&transaction, work));
    let outcomes = outcomes.collect::<Result<_>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

/// Runs a write, and undoes it alone if it fails. The outer error concerns the whole group.
fn write_or_undo(connection: &Connection, work: &mut Work) -> Result<Result<()>> {
    let execute = |sql| connection.prepare_cached(sql)?.execute(());
    execute("SAVEPOINT write")?;
    let outcome = work(connection);
    if outcome.is_err() {
        if connection.is_autocommit() {
            // SQLite has ended the transaction, as when the disk is full.
            return outcome.map(Ok);
        }
        execute("ROLLBACK TO write")?;
    }
    execute("RELEASE write")?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_that_fails_undoes_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let connection = Connection::open(&path).unwrap();
        let table = "CREATE TABLE words (word TEXT PRIMARY KEY)";
        connection.execute_batch(table).unwrap();
        let (thread, _commits) = WriteThread::start(connection).unwrap();
        // Occupies the thread, so that the others wait and become one group.
        let (release, released) = std::sync::mpsc::channel();
        let first = thread.write(move |_| Ok(released.recv().is_ok()));
        let insert = |words: &'static [&'static str]| {
            thread.write(move |connection| {
                for word in words {
                    connection.execute("INSERT INTO words VALUES (?1)", [word])?;
                }
                Ok(())
            })
        };
        let group = async {
            tokio::join!(insert(&["a"]), insert(&["b", "a"]), insert(&["c"]), async {
                release.send(()).unwrap();
            })
        };
        let (first, (one, refused, other, ())) = tokio::join!(first, group);
        assert!(first.unwrap());
        one.unwrap();
        assert!(matches!(refused.unwrap_err(), StoreError::Failed(_)));
        other.unwrap();
        let read = Connection::open(&path).unwrap();
        let sql = "SELECT group_concat(word, ' ') FROM (SELECT word FROM words ORDER BY word)";
        let words: String = read.query_row(sql, (), |row| row.get(0)).unwrap();
        assert_eq!(words, "a c");
    }
}
