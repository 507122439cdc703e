//! Creates the file and its tables if missing. Rejects a file whose tables have another version.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{Result, StoreError};

pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA user_version` of the tables. No release wrote versions 1 to 18.
const VERSION: i64 = 19;

/// Time limit of waiting for another process to finish writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the file for writing, and creates it with its tables if it is missing.
pub(crate) fn open(path: &Path) -> Result<Connection> {
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
pub(super) fn connect(path: &Path) -> Result<Connection> {
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

fn create_tables(connection: &mut Connection, path: &Path) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match transaction.pragma_query_value(None, "user_version", |row| row.get(0))? {
        0 => {
            transaction.execute_batch(SCHEMA)?;
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
