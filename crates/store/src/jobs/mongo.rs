//! Indexes of jobs in MongoDB.

use mongodb::bson::doc;
use mongodb::error::Result as Driven;

use crate::mongo::handle::{MongoStore, index};

/// Creates the indexes for queued and stalled jobs, which every instance polls each second, and for the lists of a
/// requester.
pub(crate) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let by_state = index(doc! { "state": 1, "made_at": 1 });
    let by_asker = index(doc! { "askers": 1, "campaign": 1, "made_at": -1 });
    store.make_indexes("jobs", [by_state, by_asker]).await
}
