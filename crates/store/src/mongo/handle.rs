//! The handle to a database in MongoDB.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::error::Result as Driven;
use mongodb::options::{ReadPreference, SelectionCriteria};
use mongodb::{Collection, Cursor, Database};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::primary_watch::PrimaryWatch;
use crate::error::{Result, StoreError};
use crate::time_limit::with_timeout;

/// Time limit of one member for [`MongoStore::find_soon`], which normally takes a millisecond.
const SOON: Duration = Duration::from_millis(800);

/// One database of a replica set or sharded cluster.
#[derive(Clone, Debug)]
pub(crate) struct MongoStore {
    pub(crate) database: Database,
    pub(crate) primary: PrimaryWatch,
    pub(crate) registrations: Collection<RawDocumentBuf>,
    pub(crate) votes: Collection<RawDocumentBuf>,
    pub(crate) deltas: Collection<Document>,
    pub(crate) revisions: Collection<Document>,
    pub(crate) buffered_photos: Collection<Document>,
    pub(crate) leases: Collection<Document>,
    pub(crate) rejections: Collection<Document>,
}

impl MongoStore {
    pub(super) fn new(database: Database, primary: PrimaryWatch) -> Self {
        Self {
            registrations: database.collection("registrations"),
            votes: database.collection("votes"),
            deltas: database.collection("deltas"),
            revisions: database.collection("revisions"),
            buffered_photos: database.collection("pending_photos"),
            leases: database.collection("leases"),
            rejections: database.collection("refusals"),
            database,
            primary,
        }
    }

    /// Returns the document that matches, from another member if the primary does not answer soon. Within 1.6 s, so that a
    /// page with it is not taken for that of a frozen instance. Another member may lag: what it lacks may exist.
    pub(crate) async fn find_soon(
        &self,
        collection: &Collection<RawDocumentBuf>,
        filter: Document,
        projection: Option<Document>,
    ) -> Result<Option<RawDocumentBuf>> {
        let find = |preference| {
            let mut find = collection.find_one(filter.clone());
            find = find.selection_criteria(SelectionCriteria::ReadPreference(preference));
            match &projection {
                Some(projection) => find.projection(projection.clone()),
                None => find,
            }
        };
        let found = self.primary.run(find(ReadPreference::Primary));
        if let Ok(Ok(found)) = timeout(SOON, found).await {
            return Ok(found);
        }
        let secondary = find(ReadPreference::Secondary { options: None });
        let found = with_timeout(SOON, secondary).await?;
        let lags = || StoreError::Unavailable("no answer of the primary in time".into());
        found.map(Some).ok_or_else(lags)
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
