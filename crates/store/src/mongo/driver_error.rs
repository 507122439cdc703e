//! Classifies driver errors. Their messages contain documents and keys ("dup key: { … }"), so that only kind, code
//! and name are used.

use std::fmt;

use mongodb::error::{Error, ErrorKind, RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR, WriteFailure};

use crate::error::StoreError;

const NAMESPACE_EXISTS: i32 = 48;

const DUPLICATE_KEY: i32 = 11000;

/// Codes of a server that is stopping, changing its primary, overloaded or lagging, from
/// `src/mongo/base/error_codes.yml` of MongoDB.
const TRANSIENT_CODES: [i32; 25] = [
    6, 7, 24, 43, 50, 63, 64, 89, 91, 112, 133, 134, 150, 189, 202, 237, 239, 246, 262, 9001,
    10107, 11600, 11602, 13435, 13436,
];

/// Code of an operation that the server ended at its `maxTimeMS`.
const MAX_TIME_EXPIRED: i32 = 50;

/// Codes of a lost feed position: `InvalidResumeToken`, `ChangeStreamFatalError`, `ChangeStreamHistoryLost`, and
/// `BSONObjectTooLarge` for an event that no batch can hold.
const LOST_POSITION_CODES: [i32; 4] = [260, 280, 286, 10334];

/// Codes of an invalid resume token: `FailedToParse`, `TypeMismatch`. Most such errors have a number without a name
/// (`Location40647`), which changes from version to version.
const INVALID_TOKEN_CODES: [i32; 2] = [9, 14];

/// The part of a driver error that may be logged.
#[derive(Debug)]
struct DriverError {
    summary: &'static str,
    code: Option<i32>,
    name: String,
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.summary)?;
        match self.code {
            Some(code) => write!(f, ": code {code} {}", self.name),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DriverError {}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let source = Box::new(DriverError::from_driver(&error));
        if is_transient(&error) {
            Self::Unavailable(source)
        } else {
            Self::Failed(source)
        }
    }
}

/// Returns whether a write failed because its `_id` exists.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    let is_write = matches!(*error.kind, ErrorKind::Write(_) | ErrorKind::InsertMany(_));
    is_write && code(error).is_some_and(|(code, _)| code == DUPLICATE_KEY)
}

/// Returns whether an unordered insert wrote everything but documents whose `_id` exists.
pub(crate) fn has_only_duplicates(error: &Error) -> bool {
    let ErrorKind::InsertMany(failed) = &*error.kind else {
        return false;
    };
    let errors = failed.write_errors.as_deref().unwrap_or_default();
    failed.write_concern_error.is_none() && errors.iter().all(|one| one.code == DUPLICATE_KEY)
}

/// Returns whether a document is why an insert failed, not the state of the server.
pub(crate) fn is_record_error(error: &Error) -> bool {
    matches!(
        *error.kind,
        ErrorKind::InsertMany(_) | ErrorKind::InvalidArgument { .. }
    )
}

/// Returns whether a collection exists already.
pub(crate) fn is_existing_collection(error: &Error) -> bool {
    code(error).is_some_and(|(code, _)| code == NAMESPACE_EXISTS)
}

/// Returns whether a change stream cannot continue from its position.
pub(crate) fn is_lost_position(error: &Error) -> bool {
    code(error).is_some_and(|(code, _)| LOST_POSITION_CODES.contains(&code))
}

/// Returns whether the server cannot parse the resume token.
pub(crate) fn is_invalid_token(error: &Error) -> bool {
    code(error).is_some_and(|(code, name)| {
        INVALID_TOKEN_CODES.contains(&code) || name.starts_with("Location")
    })
}

/// Returns whether the server ended an operation at its time limit.
pub(crate) fn is_time_limit(error: &Error) -> bool {
    code(error).is_some_and(|(code, _)| code == MAX_TIME_EXPIRED)
}

/// Returns whether another attempt may succeed.
pub(crate) fn is_transient(error: &Error) -> bool {
    let labelled = [RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR];
    labelled.iter().any(|label| error.contains_label(label))
        || match &*error.kind {
            ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. }
            // Written, but by an unknown number of nodes.
            | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
            ErrorKind::InsertMany(failed) if failed.write_concern_error.is_some() => true,
            _ => code(error).is_some_and(|(code, _)| TRANSIENT_CODES.contains(&code)),
        }
}

fn code(error: &Error) -> Option<(i32, &str)> {
    match &*error.kind {
        ErrorKind::Command(error) => Some((error.code, &error.code_name)),
        ErrorKind::Write(WriteFailure::WriteError(error)) => {
            Some((error.code, error.code_name.as_deref().unwrap_or_default()))
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
            Some((error.code, &error.code_name))
        }
        ErrorKind::InsertMany(error) => {
            let first = error.write_errors.as_ref()?.first()?;
            Some((first.code, first.code_name.as_deref().unwrap_or_default()))
        }
        _ => None,
    }
}

impl DriverError {
    fn from_driver(error: &Error) -> Self {
        let code = code(error);
        Self {
            summary: summarize(&error.kind),
            code: code.map(|(code, _)| code),
            name: code.map_or_else(String::new, |(_, name)| name.to_owned()),
        }
    }
}

fn summarize(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Io(_) => "connection failed",
        ErrorKind::ConnectionPoolCleared { .. } => "connections closed",
        ErrorKind::ServerSelection { .. } => "no suitable server",
        ErrorKind::DnsResolve { .. } => "cannot resolve a host name",
        ErrorKind::Authentication { .. } => "authentication failed",
        ErrorKind::InvalidTlsConfig { .. } => "invalid TLS settings",
        ErrorKind::InvalidArgument { .. } => "invalid driver settings",
        ErrorKind::Command(_) => "command rejected",
        ErrorKind::Write(WriteFailure::WriteConcernError(_)) => "write not confirmed by a majority",
        ErrorKind::Write(_) | ErrorKind::InsertMany(_) => "write rejected",
        ErrorKind::Bson(_) | ErrorKind::InvalidResponse { .. } => "unreadable response",
        _ => "driver error",
    }
}
