//! What an error of SQLite means here. Its messages may hold values, so that only its code is taken over.

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for StoreError {
    fn from(error: &Error) -> Self {
        match error {
            // A write that ends so may or may not be on the disk: asking again finds out.
            Error::SqliteFailure(code, _) if passes(code.code) => Self::Unavailable((*code).into()),
            Error::SqliteFailure(code, _) => Self::Failed((*code).into()),
            Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..) => Self::malformed("column"),
            _ => Self::Failed("a statement that SQLite does not take".into()),
        }
    }
}

fn passes(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::SchemaChanged
    )
}
