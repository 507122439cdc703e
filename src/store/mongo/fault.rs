//! What an error of the driver means here. Its messages hold documents and keys ("dup key: { … }"), so that
//! only kind, code and name are taken over.

use std::fmt;

use mongodb::error::{Error, ErrorKind, RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR, WriteFailure};

use crate::store::StoreError;

const NAMESPACE_EXISTS: i32 = 48;

const DUPLICATE_KEY: i32 = 11000;

/// Codes of a server that is stopping, changing its primary, too busy or too far behind, from
/// `src/mongo/base/error_codes.yml` of MongoDB.
const PASSING: [i32; 25] = [
    6, 7, 24, 43, 50, 63, 64, 89, 91, 112, 133, 134, 150, 189, 202, 237, 239, 246, 262, 9001,
    10107, 11600, 11602, 13435, 13436,
];

/// Codes of a feed whose place is gone: `InvalidResumeToken`, `ChangeStreamFatalError`, `ChangeStreamHistoryLost`.
const LOST: [i32; 3] = [260, 280, 286];

/// Codes for a token that is none: `FailedToParse`, `TypeMismatch`. Most such mistakes have a number without a
/// name (`Location40647`), which changes from version to version.
const UNREADABLE: [i32; 2] = [9, 14];

/// What may be told of an error.
#[derive(Debug)]
struct Fault {
    what: &'static str,
    code: Option<i32>,
    name: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match self.code {
            Some(code) => write!(f, ": code {code} {}", self.name),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let source = Box::new(Fault::of(&error));
        if passes(&error) {
            Self::Unavailable(source)
        } else {
            Self::Failed(source)
        }
    }
}

/// Whether a write found its `_id` taken.
pub(super) fn is_duplicate(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteError(error)) if error.code == DUPLICATE_KEY)
}

/// Whether a collection was there before.
pub(super) fn is_there_already(error: &Error) -> bool {
    code(error).is_some_and(|(code, _)| code == NAMESPACE_EXISTS)
}

/// Whether a change stream cannot go on from where it was asked to.
pub(super) fn is_lost(error: &Error) -> bool {
    code(error).is_some_and(|(code, _)| LOST.contains(&code))
}

/// Whether the server cannot read the token that it was asked to start from.
pub(super) fn is_unreadable(error: &Error) -> bool {
    code(error)
        .is_some_and(|(code, name)| UNREADABLE.contains(&code) || name.starts_with("Location"))
}

fn passes(error: &Error) -> bool {
    let labelled = [RETRYABLE_ERROR, RETRYABLE_WRITE_ERROR];
    labelled.iter().any(|label| error.contains_label(label))
        || match &*error.kind {
            ErrorKind::Io(_)
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::DnsResolve { .. }
            // Written, but it is not known by how many nodes.
            | ErrorKind::Write(WriteFailure::WriteConcernError(_)) => true,
            _ => code(error).is_some_and(|(code, _)| PASSING.contains(&code)),
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
        _ => None,
    }
}

impl Fault {
    fn of(error: &Error) -> Self {
        let code = code(error);
        Self {
            what: what(&error.kind),
            code: code.map(|(code, _)| code),
            name: code.map_or_else(String::new, |(_, name)| name.to_owned()),
        }
    }
}

fn what(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Io(_) => "the connection failed",
        ErrorKind::ConnectionPoolCleared { .. } => "the connections were closed",
        ErrorKind::ServerSelection { .. } => "no server of the kind that is needed",
        ErrorKind::DnsResolve { .. } => "a host name is not known",
        ErrorKind::Authentication { .. } => "the server does not take the credentials",
        ErrorKind::InvalidTlsConfig { .. } => "the TLS settings are wrong",
        ErrorKind::InvalidArgument { .. } => "the driver does not take the settings",
        ErrorKind::Command(_) => "the server refused a command",
        ErrorKind::Write(WriteFailure::WriteConcernError(_)) => "no majority confirmed the write",
        ErrorKind::Write(_) => "the server refused a write",
        ErrorKind::Bson(_) | ErrorKind::InvalidResponse { .. } => "an answer cannot be read",
        _ => "the driver failed",
    }
}
