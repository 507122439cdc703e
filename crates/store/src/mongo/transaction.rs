//! Transactions, committed until their outcome is known.

use mongodb::ClientSession;
use mongodb::error::{
    Error, ErrorKind, Result as Driven, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT,
};
use mongodb::options::ReadConcern;
use tokio::time::sleep;

use super::handle::primary;
use super::primary_watch::{PrimaryWatch, RETRY_DELAY};

/// Starts a transaction on the primary.
pub(crate) async fn start(session: &mut ClientSession) -> Driven<()> {
    session
        .start_transaction()
        .read_concern(ReadConcern::snapshot())
        .selection_criteria(primary())
        .await
}

/// Commits what was written if `commits` returns true, otherwise aborts. Commits again without limit while the outcome
/// is unknown: the caller sets the time limit.
pub(crate) async fn finish<T>(
    primary: &PrimaryWatch,
    session: &mut ClientSession,
    written: Driven<T>,
    commits: impl FnOnce(&T) -> bool,
) -> Driven<T> {
    let written = match written {
        Ok(written) if commits(&written) => written,
        other => {
            // If this does not arrive, the server aborts once the session is used again or expires.
            primary.run(session.abort_transaction()).await.ok();
            return other;
        }
    };
    loop {
        match primary.run(session.commit_transaction()).await {
            Err(error) if is_uncertain(&error) => sleep(RETRY_DELAY).await,
            committed => return committed.map(|()| written),
        }
    }
}

/// Returns whether a transaction may be committed although the commit failed.
fn is_uncertain(error: &Error) -> bool {
    error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
        || matches!(*error.kind, ErrorKind::Io(_))
}

/// Returns whether a transaction that failed wrote nothing, and another may succeed.
pub(crate) fn is_aborted(error: &Error) -> bool {
    // A connection lost during the commit is not among them: `finish` commits again.
    error.contains_label(TRANSIENT_TRANSACTION_ERROR) || matches!(*error.kind, ErrorKind::Io(_))
}
