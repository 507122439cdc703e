//! Store of one watcher on local disk: incidents, mails, availability, maintenance. Every change is one transaction,
//! durable before it takes effect.

mod gather;
pub mod history;
pub(crate) mod incidents;
pub(crate) mod mail_kind;
pub(crate) mod outbox;
pub(crate) mod recipients;

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};

/// `PRAGMA user_version` of the schemas below.
const SCHEMA_VERSION: i64 = 2;

/// Timestamps are in milliseconds since 1970 UTC.
const SCHEMA: &str = "
CREATE TABLE targets ( -- addresses that were seen behind the names
    watched TEXT NOT NULL, -- the URL
    address TEXT NOT NULL,
    instance TEXT,
    PRIMARY KEY (watched, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shared TEXT NOT NULL, -- the id on which watchers agree
    target TEXT NOT NULL, -- URL and address
    label TEXT NOT NULL,
    is_instance INTEGER NOT NULL,
    since INTEGER NOT NULL,
    seen TEXT NOT NULL, -- JSON
    cut_off INTEGER NOT NULL, -- the watcher itself may have been
    until INTEGER,
    falls INTEGER NOT NULL DEFAULT 1,
    gone INTEGER NOT NULL DEFAULT 0, -- ended since its name has it no more
    told_raised INTEGER, -- by whichever watcher
    told_at INTEGER, -- that, or the last reminder
    told_resolved INTEGER
) STRICT;
CREATE INDEX incidents_to_tell ON incidents (id) WHERE told_resolved IS NULL;
CREATE TABLE mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    gathers_until INTEGER NOT NULL,
    message_id TEXT,
    message BLOB, -- as it goes over the wire; every try sends these bytes
    attempts INTEGER NOT NULL DEFAULT 0,
    settled_at INTEGER,
    sent INTEGER NOT NULL DEFAULT 0 -- settled by us; else there was nothing left to tell
) STRICT;
CREATE INDEX mails_to_send ON mails (id) WHERE settled_at IS NULL;
CREATE TABLE mail_incidents (
    mail INTEGER NOT NULL,
    incident INTEGER NOT NULL,
    PRIMARY KEY (mail, incident)
) STRICT, WITHOUT ROWID;
CREATE TABLE hours (
    target TEXT NOT NULL,
    hour INTEGER NOT NULL, -- since 1970 UTC
    up INTEGER NOT NULL,
    down INTEGER NOT NULL,
    PRIMARY KEY (target, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE pauses (
    set_at INTEGER PRIMARY KEY,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
";

/// Changes of version 2: each mail is delivered to each recipient alone.
const SCHEMA_2: &str = "
ALTER TABLE mails ADD COLUMN refusals TEXT; -- JSON, of a notice about refused recipients
CREATE TABLE mail_recipients (
    mail INTEGER NOT NULL,
    address TEXT NOT NULL,
    place INTEGER NOT NULL, -- in the settings
    accepted_at INTEGER,
    refused_at INTEGER, -- permanently
    PRIMARY KEY (mail, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE recipients ( -- whom the server has refused
    address TEXT PRIMARY KEY,
    refused_at INTEGER, -- first refusal since the last accepted mail
    step TEXT NOT NULL,
    code INTEGER,
    told_at INTEGER -- the others, by a mail
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
";

/// Timeout for the lock of another process, such as `jornada watch --pause`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Handle to the database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WatchStore(Arc<Mutex<Connection>>);

impl WatchStore {
    /// Opens or creates `watch.db` in a folder.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("watch.db");
        let cannot = || format!("cannot open {}", path.display());
        create_files(folder, &path).with_context(cannot)?;
        let mut connection = Connection::open(&path).with_context(cannot)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .with_context(cannot)?;
        // A power failure loses no committed transaction.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
        migrate(&mut connection).with_context(cannot)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Runs `work` in one transaction on a blocking thread. On an error nothing is changed.
    pub async fn run_transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let connection = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock();
            in_transaction(&mut connection, work)
        });
        done.await
            .context("the database task was cancelled")?
            .context("cannot use the database")
    }

    /// Like [`run_transaction`](Self::run_transaction), for commands without an async runtime.
    pub fn run_transaction_blocking<T>(
        &self,
        work: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
    ) -> anyhow::Result<T> {
        let mut connection = self.0.lock();
        in_transaction(&mut connection, work).context("cannot use the database")
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Locks the folder for this process, so that only one watcher uses it.
pub fn lock_folder(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("watch.lock");
    let cannot = || format!("cannot open {}", path.display());
    create_files(folder, &path).with_context(cannot)?;
    let file = OpenOptions::new()
        .write(true)
        .open(&path)
        .with_context(cannot)?;
    if file.try_lock().is_err() {
        bail!("another watcher works in {}", folder.display());
    }
    Ok(file)
}

/// Creates folder and file, readable by their owner only, because they contain mails.
fn create_files(folder: &Path, path: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
}

fn migrate(connection: &mut Connection) -> anyhow::Result<()> {
    let version = in_transaction(connection, |transaction| {
        let version: i64 =
            transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            transaction.execute_batch(SCHEMA)?;
        }
        if version <= 1 {
            transaction.execute_batch(SCHEMA_2)?;
            return Ok(SCHEMA_VERSION);
        }
        Ok(version)
    })?;
    if version != SCHEMA_VERSION {
        bail!("unknown schema version {version}: this program needs version {SCHEMA_VERSION}");
    }
    Ok(())
}

/// Reads a timestamp column.
pub(super) fn read_timestamp(row: &Row, column: &str) -> rusqlite::Result<Timestamp> {
    let wrong = |error: jiff::Error| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Integer, Box::new(error))
    };
    Timestamp::from_millisecond(row.get(column)?).map_err(wrong)
}

/// Reads a nullable timestamp column.
pub(super) fn read_optional_timestamp(
    row: &Row,
    column: &str,
) -> rusqlite::Result<Option<Timestamp>> {
    let ms: Option<i64> = row.get(column)?;
    Ok(ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Opens a store in a temporary folder.
    pub(crate) fn temporary_store() -> (tempfile::TempDir, WatchStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = WatchStore::open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn a_folder_is_locked_by_one_watcher() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock_folder(folder.path()).unwrap();
        assert!(lock_folder(folder.path()).is_err());
        drop(held);
        assert!(lock_folder(folder.path()).is_ok());
    }

    #[test]
    fn mails_of_the_first_version_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let old = Connection::open(folder.path().join("watch.db")).unwrap();
        old.execute_batch(SCHEMA).unwrap();
        old.execute_batch("INSERT INTO mails (kind, gathers_until) VALUES ('raised', 1)")
            .unwrap();
        drop(old);
        let store = WatchStore::open(folder.path()).unwrap();
        let unsent = store.run_transaction_blocking(outbox::count_unsent);
        assert_eq!(unsent.unwrap(), 1);
        assert!(WatchStore::open(folder.path()).is_ok());
    }

    #[test]
    fn a_newer_schema_is_rejected() {
        let (folder, store) = temporary_store();
        store
            .run_transaction_blocking(|tx| tx.pragma_update(None, "user_version", 7))
            .unwrap();
        assert!(WatchStore::open(folder.path()).is_err());
    }

    #[test]
    fn a_failed_transaction_changes_nothing() {
        let (_folder, store) = temporary_store();
        let failed = store.run_transaction_blocking(|tx| {
            tx.execute("INSERT INTO pauses VALUES (1, 2, '')", [])?;
            tx.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        assert!(failed.is_err());
        let count: i64 = store
            .run_transaction_blocking(|tx| {
                tx.query_row("SELECT count(*) FROM pauses", [], |row| row.get(0))
            })
            .unwrap();
        assert_eq!(count, 0);
    }
}
