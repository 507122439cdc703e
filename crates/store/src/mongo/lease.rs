//! Leases in MongoDB, by the clock of the server: the instances' clocks may differ.

use std::time::Duration;

use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;
use uuid::Uuid;

use super::{MongoStore, binary, with_timeout};
use crate::lease::to_ms;
use crate::{OPERATION_TIMEOUT, StoreError};

/// Acquires or renews a lease. Returns false while another holder has it.
pub(super) async fn acquire(
    store: &MongoStore,
    name: &str,
    holder: Uuid,
    duration: Duration,
) -> Result<bool, StoreError> {
    let holder = binary(holder.as_bytes());
    let mine = doc! { "$eq": ["$holder", &holder] };
    // A missing field, as in a new document, sorts before every time.
    let expired = doc! { "$lt": ["$until", "$$NOW"] };
    let length_ms = to_ms(duration);
    let until = doc! { "$add": ["$$NOW", length_ms] };
    let update = vec![
        doc! { "$set": { "is_free": { "$or": [mine, expired] } } },
        doc! { "$set": {
            "holder": { "$cond": ["$is_free", &holder, "$holder"] },
            "until": { "$cond": ["$is_free", until, "$until"] },
        } },
        doc! { "$unset": "is_free" },
    ];
    let taking = store
        .leases
        .find_one_and_update(doc! { "_id": name }, update)
        .upsert(true)
        .return_document(ReturnDocument::After);
    let lease = with_timeout(OPERATION_TIMEOUT, taking).await?;
    let holds = |lease: &Document| lease.get("holder") == Some(&Bson::Binary(holder));
    Ok(lease.as_ref().is_some_and(holds))
}

/// Releases a lease if `holder` has it.
pub(super) async fn release(
    store: &MongoStore,
    name: &str,
    holder: Uuid,
) -> Result<(), StoreError> {
    let mine = doc! { "_id": name, "holder": binary(holder.as_bytes()) };
    with_timeout(OPERATION_TIMEOUT, store.leases.delete_one(mine))
        .await
        .map(drop)
}

/// Returns the time of the primary.
pub(super) async fn now(store: &MongoStore) -> Result<Timestamp, StoreError> {
    let hello = store
        .run_on_primary(OPERATION_TIMEOUT, doc! { "hello": 1 })
        .await?;
    let time = hello.get_datetime("localTime").ok();
    let told = time.and_then(|now| Timestamp::from_millisecond(now.timestamp_millis()).ok());
    told.ok_or_else(|| StoreError::malformed("localTime"))
}
