//! The handle to a database in MongoDB.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::error::Result as Driven;
use mongodb::options::{ReadPreference, SelectionCriteria};
use mongodb::{Collection, Cursor, Database};
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::time_limit::with_timeout;

/// Delay between attempts while there is no primary.
pub(crate) const RETRY_DELAY: Duration = Duration::from_millis(100);

/// One database of a replica set or sharded cluster.
#[derive(Clone, Debug)]
pub(crate) struct MongoStore {
    pub(crate) database: Database,
    pub(crate) registrations: Collection<RawDocumentBuf>,
    pub(crate) votes: Collection<RawDocumentBuf>,
    pub(crate) deltas: Collection<Document>,
    pub(crate) revisions: Collection<Document>,
    pub(crate) buffered_photos: Collection<Document>,
    pub(crate) leases: Collection<Document>,
    pub(crate) rejections: Collection<Document>,
}

impl MongoStore {
    pub(super) fn new(database: Database) -> Self {
        Self {
            registrations: database.collection("registrations"),
            votes: database.collection("votes"),
            deltas: database.collection("deltas"),
            revisions: database.collection("revisions"),
            buffered_photos: database.collection("pending_photos"),
            leases: database.collection("leases"),
            rejections: database.collection("refusals"),
            database,
        }
    }

    /// Runs a command on the primary, the only node with the latest state.
    pub(crate) async fn run_on_primary(
        &self,
        limit: Duration,
        command: Document,
    ) -> Result<Document> {
        let answer = self.database.run_command(command);
        with_timeout(limit, answer.selection_criteria(primary())).await
    }
}

pub(crate) fn primary() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::Primary)
}

/// Reads all documents of a query.
pub(crate) async fn collect<T: DeserializeOwned + Unpin + Send + Sync>(
    limit: Duration,
    query: impl IntoFuture<Output = Driven<Cursor<T>>>,
) -> Result<Vec<T>> {
    with_timeout(limit, async { query.await?.try_collect().await }).await
}
