//! The one thread that writes. What waits while a commit is on its way to the disk goes into the next one
//! together: many registrations share the price of one `fsync`.

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::row::Row;
use crate::store::{Kept, StoreError, WAIT};

/// Writes that may wait.
const QUEUE: usize = 1024;

/// Most writes of one commit.
const GROUP: usize = 256;

/// Something to write.
#[derive(Debug)]
pub(super) enum Write {
    /// A registration.
    Registration(Row),
    /// A bearer token.
    Token(Token),
}

/// A bearer token, known by its hash.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) hash: [u8; 32],
    pub(super) name: String,
    pub(super) created_at: i64,
}

#[derive(Debug)]
struct Job {
    write: Write,
    answer: oneshot::Sender<Result<Kept, StoreError>>,
}

/// Where writes are handed in. The thread ends with the last clone.
#[derive(Clone, Debug)]
pub(super) struct Writer(mpsc::Sender<Job>);

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

    /// Writes, and answers once it is on the disk.
    pub(super) async fn write(&self, write: Write) -> Result<Kept, StoreError> {
        let (answer, answered) = oneshot::channel();
        let written = async {
            self.0
                .send(Job { write, answer })
                .await
                .map_err(|_| gone())?;
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

fn work(mut connection: Connection, mut jobs: mpsc::Receiver<Job>, written: &watch::Sender<()>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        // Those that no longer wait may have been answered "ask again": their writes must not come later.
        group.retain(|job| !job.answer.is_closed());
        match commit(&mut connection, &group) {
            Ok(outcomes) => {
                written.send_replace(());
                for (job, outcome) in group.drain(..).zip(outcomes) {
                    job.answer.send(Ok(outcome)).ok();
                }
            }
            Err(error) => {
                for job in group.drain(..) {
                    job.answer.send(Err(error.again())).ok();
                }
            }
        }
    }
}

fn commit(connection: &mut Connection, group: &[Job]) -> Result<Vec<Kept>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let written = group.iter().map(|job| match &job.write {
        Write::Registration(row) => row.keep(&transaction),
        Write::Token(token) => token.keep(&transaction),
    });
    let outcomes = written.collect::<Result<Vec<_>, _>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

impl Token {
    fn keep(&self, connection: &Connection) -> Result<Kept, StoreError> {
        let sql = "INSERT INTO tokens (hash, name, created_at) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (hash) DO NOTHING";
        let mut statement = connection.prepare_cached(sql)?;
        statement.execute((self.hash, &self.name, self.created_at))?;
        Ok(Kept::New)
    }
}
