//! Classifies SQLite errors. Their messages may contain values, so that only the code is used.

use rusqlite::{Error, ErrorCode};

use crate::error::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for StoreError {
    fn from(error: &Error) -> Self {
        match error {
            // The write may or may not be on disk: a retry finds out.
            Error::SqliteFailure(code, _) if is_transient(code.code) => {
                Self::Unavailable((*code).into())
            }
            Error::SqliteFailure(code, _) => Self::Failed((*code).into()),
            Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..) => Self::malformed("column"),
            _ => Self::Failed("statement rejected".into()),
        }
    }
}

fn is_transient(code: ErrorCode) -> bool {
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
