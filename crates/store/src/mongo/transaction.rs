//! Transactions, committed until their outcome is known.

use mongodb::ClientSession;
use mongodb::error::{Result as Driven, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::ReadConcern;
use tokio::time::sleep;

use super::handle::{RETRY_DELAY, primary};

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
    session: &mut ClientSession,
    written: Driven<T>,
    commits: impl FnOnce(&T) -> bool,
) -> Driven<T> {
    let written = match written {
        Ok(written) if commits(&written) => written,
        other => {
            // If this does not arrive, the server aborts once the session is used again or expires.
            session.abort_transaction().await.ok();
            return other;
        }
    };
    loop {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {
                sleep(RETRY_DELAY).await;
            }
            committed => return committed.map(|()| written),
        }
    }
}
