//! The file and its tables: made if missing, and brought to this program's version.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{audit, closing, consent, job, retention, search};
use crate::store::StoreError;

/// What brings the tables from each version to the next; `PRAGMA user_version` counts those that were done.
const STEPS: [&str; 11] = [
    REGISTRATIONS,
    PENDING_PHOTOS,
    STAFF,
    AMENDMENTS,
    audit::TABLES,
    closing::TABLE,
    job::TABLES,
    search::TABLES,
    VAULT_KEYS,
    consent::TABLES,
    retention::TABLES,
];

/// One index for lists, counts and totals: it holds all that they sort, group and filter by.
const REGISTRATIONS: &str = "
CREATE TABLE registrations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    campaign TEXT NOT NULL,
    value TEXT NOT NULL,
    answers TEXT NOT NULL, -- JSON: name to text
    photo_sha256 BLOB,
    photo_extension TEXT,
    photo_bytes INTEGER,
    digest BLOB NOT NULL,
    received_at INTEGER NOT NULL -- milliseconds since 1970 UTC
) STRICT;
CREATE INDEX registrations_in_order ON registrations (campaign, value, received_at, id);
CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Photos that wait for the photo store, and who does at the moment what only one process may do.
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

/// Accounts, sessions, and what tokens are for; those made before may do all that a token could then.
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
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'report,chart';
ALTER TABLE tokens ADD COLUMN places TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tokens ADD COLUMN expires_at INTEGER;
ALTER TABLE tokens ADD COLUMN revoked_at INTEGER;
";

/// Corrections, deletions, and what the feed tells. A claim is a further identity of a registration; a tombstone stands
/// where one was. `seq` of `changes` grows with every commit (`AUTOINCREMENT` within one writer at a time) and goes on
/// where the rows themselves were numbered, so that a follower's position stays good.
const AMENDMENTS: &str = "
ALTER TABLE registrations ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
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
INSERT INTO changes (seq, campaign, now)
    SELECT seq, campaign, value FROM registrations
    WHERE seq > (SELECT ifnull(max(seq), 0) FROM registrations) - 100000;
DELETE FROM sqlite_sequence WHERE name = 'changes';
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'changes', seq FROM sqlite_sequence WHERE name = 'registrations';
";

/// Keys of photos, each wrapped under a master key that is not here.
const VAULT_KEYS: &str = "
CREATE TABLE vault_keys (
    id BLOB PRIMARY KEY,
    under BLOB NOT NULL, -- id of the master key
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";

/// How long a statement waits for another process to finish writing.
const BUSY: Duration = Duration::from_secs(5);

/// Opens the file for writing.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    make(path)
        .map_err(|error| StoreError::Failed(format!("{}: {error}", path.display()).into()))?;
    let mut connection = connect(path)?;
    // Going over to the log takes the file for itself, and does not wait for a process that does the same.
    let mut tries = 0;
    while let Err(error) = connection.pragma_update(None, "journal_mode", "WAL") {
        tries += 1;
        if tries == 50 || error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy) {
            return Err(error.into());
        }
        std::thread::sleep(BUSY / 50);
    }
    // Every commit is on the disk before it is acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten, not only let go.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    upgrade(&mut connection)?;
    Ok(connection)
}

/// A connection to a file that is there.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// The log and its index take over the mode of the file.
fn make(path: &Path) -> Result<(), Error> {
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

fn upgrade(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(steps) = STEPS.get(done..) else {
        let known = STEPS.len();
        let told = format!("its tables have version {version}, this program knows {known}");
        return Err(StoreError::Failed(told.into()));
    };
    for step in steps {
        transaction.execute_batch(step)?;
    }
    let version = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()?;
    Ok(())
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
    fn a_newer_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jornada.db");
        let connection = open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(open(&path), Err(StoreError::Failed(_))));
    }

    #[test]
    fn an_older_file_is_brought_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jornada.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        let old = "INSERT INTO tokens (hash, name, created_at) VALUES (x'01', 'oficina', 5)";
        connection.execute_batch(old).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        drop(connection);
        let connection = open(&path).unwrap();
        let count = "SELECT count(*) FROM pending_photos";
        let count: i64 = connection.query_row(count, (), |row| row.get(0)).unwrap();
        assert_eq!(count, 0);
        let scopes = "SELECT scopes FROM tokens";
        let scopes: String = connection.query_row(scopes, (), |row| row.get(0)).unwrap();
        assert_eq!(scopes, "report,chart", "it may what it could before");
    }

    #[test]
    fn a_followers_position_stays_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jornada.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&STEPS[..3].concat()).unwrap();
        let rows = "INSERT INTO registrations \
                    (seq, id, campaign, value, answers, digest, received_at) VALUES \
                    (1, x'01', 'a', 'Cali', '{}', x'', 0), (4, x'02', 'b', 'Pasto', '{}', x'', 0); \
                    UPDATE sqlite_sequence SET seq = 6 WHERE name = 'registrations'";
        connection.execute_batch(rows).unwrap();
        connection.pragma_update(None, "user_version", 3).unwrap();
        drop(connection);
        let connection = open(&path).unwrap();
        let told = "SELECT group_concat(seq || campaign || now || ifnull(was, '-')) FROM changes";
        let told: String = connection.query_row(told, (), |row| row.get(0)).unwrap();
        assert_eq!(told, "1aCali-,4bPasto-");
        let next = "INSERT INTO changes (campaign, was) VALUES ('a', 'Cali') RETURNING seq";
        let next: i64 = connection.query_row(next, (), |row| row.get(0)).unwrap();
        assert_eq!(next, 7, "it goes on where the rows were numbered");
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
