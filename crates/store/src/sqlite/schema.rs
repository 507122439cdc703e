//! Creates the file and its tables if missing. Rejects a file whose tables have another version.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{audit, consent, early_closures, job, retention, statistics};
use crate::StoreError;

/// `PRAGMA user_version` of the tables below. No release wrote versions 1 to 11.
const VERSION: i64 = 12;

/// All tables. Some are defined beside the statements that use them.
const TABLES: [&str; 11] = [
    REGISTRATIONS,
    PENDING_PHOTOS,
    STAFF,
    AMENDMENTS,
    VAULT_KEYS,
    audit::TABLES,
    early_closures::TABLE,
    consent::TABLE,
    statistics::TABLE,
    job::TABLES,
    retention::TABLES,
];

/// `registrations_in_order` serves lists, counts and totals, the other indexes serve searches. Each index holds all
/// columns that its queries sort, group and filter by.
const REGISTRATIONS: &str = "
CREATE TABLE registrations (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    campaign TEXT NOT NULL,
    value TEXT NOT NULL,
    answers TEXT NOT NULL, -- JSON: name to text
    photo_sha256 BLOB,
    photo_extension TEXT,
    photo_bytes INTEGER,
    digest BLOB NOT NULL,
    received_at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    version INTEGER NOT NULL DEFAULT 0, -- number of corrections
    name TEXT NOT NULL, -- folded, for searches; empty if the campaign asks for none
    consent TEXT, -- version of the text that the person agreed to
    photo_erased_at INTEGER
) STRICT;
CREATE INDEX registrations_in_order ON registrations (campaign, value, received_at, id);
CREATE INDEX registrations_newest ON registrations (campaign, received_at, id, name, value);
CREATE INDEX registrations_by_name ON registrations (campaign, name, received_at, id);
CREATE INDEX registrations_by_name_in_place ON registrations (campaign, value, name, received_at, id);
";

/// Buffered photos, and leases for work that only one process may do at a time.
const PENDING_PHOTOS: &str = "
CREATE TABLE pending_photos (
    id BLOB NOT NULL, -- of the registration
    sha256 BLOB NOT NULL,
    campaign TEXT NOT NULL,
    extension TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (id, sha256)
) STRICT;
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder BLOB NOT NULL,
    until INTEGER NOT NULL -- milliseconds since 1970 UTC
) STRICT, WITHOUT ROWID;
";

/// Accounts, sessions and tokens.
const STAFF: &str = "
CREATE TABLE accounts (
    id BLOB PRIMARY KEY,
    mail TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    places TEXT NOT NULL, -- JSON: list of texts, none for all
    password TEXT,
    totp BLOB,
    totp_step INTEGER,
    link BLOB UNIQUE,
    link_expires_at INTEGER,
    epoch INTEGER NOT NULL,
    closed_at INTEGER,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (account, created_at);
CREATE INDEX sessions_by_age ON sessions (seen_at);
CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL, -- with commas between them
    places TEXT NOT NULL, -- JSON: list of texts, none for all
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
";

/// Corrections, deletions and the rows of the feed. A claim is an alias of a registration. A tombstone replaces a
/// deleted registration. `seq` of `changes` grows with every commit: `AUTOINCREMENT`, and one writer at a time.
const AMENDMENTS: &str = "
CREATE TABLE corrections (
    id BLOB NOT NULL, -- of the registration
    version INTEGER NOT NULL, -- to which it brought it
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL,
    changes TEXT NOT NULL, -- JSON: list of field, answer before, answer since
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE claims (
    id BLOB PRIMARY KEY,
    owner BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tombstones (
    id BLOB PRIMARY KEY,
    campaign TEXT NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL,
    photo_sha256 BLOB, -- until the photo is removed
    photo_extension TEXT,
    photo_bytes INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_with_photo ON tombstones (at, id) WHERE photo_sha256 IS NOT NULL;
CREATE TABLE revisions (
    campaign TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    campaign TEXT NOT NULL,
    was TEXT, -- the value that has one registration less
    now TEXT -- the value that has one more
) STRICT;
";

/// Key encryption keys of photos, each wrapped under a master key that is not in the store.
const VAULT_KEYS: &str = "
CREATE TABLE vault_keys (
    id BLOB PRIMARY KEY,
    under BLOB NOT NULL, -- id of the master key
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Time limit of waiting for another process to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the file for writing.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    create_file(path)
        .map_err(|error| StoreError::Failed(format!("{}: {error}", path.display()).into()))?;
    let mut connection = connect(path)?;
    // Switching to WAL needs an exclusive lock, and SQLite does not wait for another process that switches, too.
    let mut tries = 0;
    while let Err(error) = connection.pragma_update(None, "journal_mode", "WAL") {
        tries += 1;
        if tries == 50 || error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy) {
            return Err(error.into());
        }
        std::thread::sleep(BUSY_TIMEOUT / 50);
    }
    // Every commit is on disk before it is acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Overwrite deleted data, not only free its space.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    create_tables(&mut connection, path)?;
    Ok(connection)
}

/// Connects to an existing file.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Creates the file with mode 0600, which its log (WAL) and the log's index inherit.
fn create_file(path: &Path) -> Result<(), Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Creates the tables in a file that has none.
fn create_tables(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match transaction.pragma_query_value(None, "user_version", |row| row.get(0))? {
        0 => {
            transaction.execute_batch(&TABLES.concat())?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
            Ok(())
        }
        VERSION => Ok(()),
        version => Err(StoreError::Failed(other_version(path, version).into())),
    }
}

/// Returns why a file is rejected, and what to do.
fn other_version(path: &Path, version: i64) -> String {
    let file = path.display();
    if version > VERSION {
        return format!(
            "the tables of {file} have version {version}, and this program supports only version {VERSION}: \
             run the newer program that wrote the file, or name another file in JORNADA_STORE"
        );
    }
    format!(
        "the tables of {file} have version {version}, which no release wrote and this program does not support: \
         name another file in JORNADA_STORE, or move this one away to start with an empty one"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/jornada.db");
        let connection = open(&path).unwrap();
        for name in ["jornada.db", "jornada.db-wal", "jornada.db-shm"] {
            let mode = path.with_file_name(name).metadata().unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        }
        drop(connection);
    }

    #[test]
    fn a_file_of_another_version_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jornada.db");
        let connection = open(&path).unwrap();
        for (version, advice) in [
            (1, "move this one away"),
            (VERSION - 1, "move this one away"),
            (VERSION + 1, "run the newer program"),
        ] {
            let set = connection.pragma_update(None, "user_version", version);
            set.unwrap();
            let Err(StoreError::Failed(message)) = open(&path) else {
                panic!("version {version} is taken");
            };
            let message = message.to_string();
            assert!(
                message.contains(advice) && message.contains("JORNADA_STORE"),
                "{message}"
            );
            let found = connection.pragma_query_value(None, "user_version", |row| row.get(0));
            assert_eq!(found, Ok(version));
        }
        connection
            .pragma_update(None, "user_version", VERSION)
            .unwrap();
        assert!(open(&path).is_ok());
    }

    #[test]
    fn many_may_open_a_new_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jornada.db");
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path))).collect();
            for thread in opened {
                thread.join().unwrap().unwrap();
            }
        });
    }
}
