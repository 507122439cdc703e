//! The handle to a database in MongoDB.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::error::Result as Driven;
use mongodb::options::{Hint, ReadPreference, SelectionCriteria};
use mongodb::{Collection, Cursor, Database, IndexModel};
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::time_limit::within;

/// Time limit of a count of a whole campaign: about a second for each million registrations.
pub(crate) const COUNT_TIMEOUT: Duration = Duration::from_mins(1);

/// Delay between attempts while there is no primary.
pub(crate) const RETRY_DELAY: Duration = Duration::from_millis(100);

pub(crate) const LIST_INDEX: &str = "in_order";

/// One database of a replica set or sharded cluster.
#[derive(Clone, Debug)]
pub(crate) struct MongoStore {
    pub(crate) database: Database,
    pub(crate) registrations: Collection<RawDocumentBuf>,
    pub(crate) revisions: Collection<Document>,
    pub(crate) buffered_photos: Collection<Document>,
    pub(crate) leases: Collection<Document>,
    pub(crate) rejections: Collection<Document>,
}

impl MongoStore {
    pub(super) fn new(database: Database) -> Self {
        Self {
            registrations: database.collection("registrations"),
            revisions: database.collection("revisions"),
            buffered_photos: database.collection("pending_photos"),
            leases: database.collection("leases"),
            rejections: database.collection("refusals"),
            database,
        }
    }

    /// Creates indexes. Creating an index that exists does nothing.
    pub(crate) async fn make_indexes(
        &self,
        collection: &str,
        indexes: impl IntoIterator<Item = IndexModel>,
    ) -> Driven<()> {
        let collection = self.database.collection::<Document>(collection);
        collection.create_indexes(indexes).await.map(drop)
    }

    /// Runs a command on the primary, the only node with the latest state.
    pub(crate) async fn run_on_primary(
        &self,
        limit: Duration,
        command: Document,
    ) -> Result<Document> {
        let answer = self.database.run_command(command);
        within(limit, answer.selection_criteria(primary())).await
    }
}

pub(crate) fn primary() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::Primary)
}

pub(crate) fn index(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

/// Names the index of lists, counts and totals.
pub(crate) fn list_index_hint() -> Hint {
    Hint::Name(LIST_INDEX.to_owned())
}

/// Reads all documents of a query.
pub(crate) async fn collect<T: DeserializeOwned + Unpin + Send + Sync>(
    limit: Duration,
    query: impl IntoFuture<Output = Driven<Cursor<T>>>,
) -> Result<Vec<T>> {
    within(limit, async { query.await?.try_collect().await }).await
}
