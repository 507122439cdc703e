//! Indexes of the audit log in MongoDB.

use mongodb::bson::doc;
use mongodb::error::Result as Driven;

use crate::mongo::handle::{MongoStore, index};

/// Creates an index for each field that filters use.
pub(crate) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let indexes = ["who", "action", "campaign", "subjects", "at"]
        .map(|name| index(doc! { name: 1, "_id": -1 }));
    store.make_indexes("audit", indexes).await
}
