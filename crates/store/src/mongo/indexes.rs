//! Indexes of the collections, and their names in hints.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::{Hint, IndexOptions};

use super::driver_error;
use super::handle::MongoStore;
use crate::error::Result;

/// Index of lists, counts and totals: it covers all that they filter, sort and group by. `_id` orders arrivals of the
/// same millisecond.
pub(crate) const LIST_INDEX: &str = "in_order";

/// Indexes of searches. Each holds all fields that its searches filter by. `name` is empty if the campaign has no such
/// field.
pub(crate) const NEWEST: &str = "newest";
pub(crate) const BY_NAME: &str = "by_name";
pub(crate) const BY_NAME_AND_VALUE: &str = "by_name_in_place";
/// Each has an entry for each word of a name.
pub(crate) const BY_WORD: &str = "by_word";
pub(crate) const BY_WORD_AND_VALUE: &str = "by_word_in_place";

/// Index of only the documents with a photo to delete. A registration has no `gone`, so that its first key is null:
/// there are few, and all are scanned.
pub(crate) const PENDING_DELETIONS: &str = "unremoved";

/// Index of only the aliases, by their registration.
const ALIASES: &str = "aliases";

/// Time after which deltas are deleted. A follower further behind counts anew.
const DELTA_RETENTION: Duration = Duration::from_hours(1);

/// Creates the indexes; one that exists stays.
pub(crate) async fn make_indexes(store: &MongoStore) -> Result<()> {
    let registrations = vec![
        named(
            LIST_INDEX,
            doc! { "campaign": 1, "value": 1, "received_at": 1, "_id": 1 },
        ),
        named(
            NEWEST,
            doc! { "campaign": 1, "received_at": 1, "_id": 1, "name": 1, "value": 1 },
        ),
        named(
            BY_NAME,
            doc! { "campaign": 1, "name": 1, "received_at": 1, "_id": 1 },
        ),
        named(
            BY_NAME_AND_VALUE,
            doc! { "campaign": 1, "value": 1, "name": 1, "received_at": 1, "_id": 1 },
        ),
        named(
            BY_WORD,
            doc! { "campaign": 1, "words": 1, "received_at": 1, "_id": 1 },
        ),
        named(
            BY_WORD_AND_VALUE,
            doc! { "campaign": 1, "value": 1, "words": 1, "received_at": 1, "_id": 1 },
        ),
        only(
            exists("unremoved.sha256"),
            named(PENDING_DELETIONS, doc! { "gone.at": 1, "_id": 1 }),
        ),
        only(exists("claim.of"), named(ALIASES, doc! { "claim.of": 1 })),
    ];
    let accounts = vec![
        unique(doc! { "mail": 1 }),
        only(exists("link"), unique(doc! { "link": 1 })),
    ];
    let sessions = vec![
        index(doc! { "account": 1, "created_at": -1 }),
        index(doc! { "seen_at": 1 }),
    ];
    // Every instance polls for queued and stalled jobs each second.
    let jobs = vec![
        index(doc! { "state": 1, "made_at": 1 }),
        index(doc! { "askers": 1, "campaign": 1, "made_at": -1 }),
    ];
    let audit = ["who", "action", "campaign", "subjects", "at"].into_iter();
    let audit = audit
        .map(|name| index(doc! { name: 1, "_id": -1 }))
        .collect();
    // Counts photos and bytes without reading a photo.
    let buffered_photos = vec![index(doc! { "size": 1 })];
    let votes = vec![named(
        NEWEST,
        doc! { "campaign": 1, "received_at": 1, "_id": 1 },
    )];
    let dead_letters = vec![index(doc! { "read_at": -1, "_id": -1 })];
    let mut by_age = index(doc! { "at": 1 });
    by_age.options.get_or_insert_default().expire_after = Some(DELTA_RETENTION);
    for (collection, indexes) in [
        ("registrations", registrations),
        ("accounts", accounts),
        ("sessions", sessions),
        ("jobs", jobs),
        ("audit", audit),
        ("pending_photos", buffered_photos),
        ("dead_letters", dead_letters),
        ("disputes", dispute_indexes()),
        ("votes", votes),
        ("deltas", vec![by_age]),
    ] {
        let collection = store.database.collection::<Document>(collection);
        collection.create_indexes(indexes).await?;
    }
    // Not every kind of cluster can create these collections within a transaction.
    for collection in ["revisions", "votes"] {
        match store.database.create_collection(collection).await {
            Err(error) if !driver_error::is_existing_collection(&error) => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Returns the indexes of disputes: of the queue, of a number, and of the photos to delete.
fn dispute_indexes() -> Vec<IndexModel> {
    vec![
        only(
            exists("place_of_number"),
            unique(doc! { "place_of_number": 1 }),
        ),
        index(doc! { "campaign": 1, "state": 1, "received_at": 1 }),
        index(doc! { "campaign": 1, "state": 1, "value": 1, "received_at": 1 }),
        index(doc! { "campaign": 1, "state": 1, "rival": 1, "received_at": 1 }),
        index(doc! { "number": 1 }),
        only(exists("remove_at"), index(doc! { "remove_at": 1 })),
    ]
}

/// Names the index of lists, counts and totals.
pub(crate) fn list_index_hint() -> Hint {
    Hint::Name(LIST_INDEX.to_owned())
}

fn index(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

fn named(name: &str, keys: Document) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn unique(keys: Document) -> IndexModel {
    let mut index = index(keys);
    index.options.get_or_insert_default().unique = Some(true);
    index
}

fn exists(field: &str) -> Document {
    doc! { field: { "$exists": true } }
}

/// Restricts an index to the documents that match.
fn only(filter: Document, mut index: IndexModel) -> IndexModel {
    let options = index.options.get_or_insert_default();
    options.partial_filter_expression = Some(filter);
    index
}
