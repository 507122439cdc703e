//! Keeps one registration, across an election if there is one: inserting is repeated until its outcome is known.

use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::ReadConcern;
use tokio::time::sleep;

use super::{MongoStore, binary, bounded, document, fault, primary};
use crate::domain::{Campaign, Registration};
use crate::store::{Kept, StoreError, WAIT};

/// Between two attempts, while there is no primary.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Repeats without end while the store may come back: the caller sets the bound.
pub(super) async fn keep(
    store: &MongoStore,
    campaign: &Campaign,
    registration: &Registration,
) -> Result<Kept, StoreError> {
    let document = document::of(campaign, registration)?;
    let mut repeated = false;
    loop {
        let outcome = match store.registrations.insert_one(&document).await {
            Ok(_) => Ok(Kept::New),
            Err(error) if fault::is_duplicate(&error) => first(store, registration).await,
            Err(error) => Err(error.into()),
        };
        match outcome {
            // An attempt before this one was kept although its answer did not come.
            Ok(Kept::Retry(at)) if repeated && at == registration.received_at => {
                return Ok(Kept::New);
            }
            Err(StoreError::Unavailable(_)) => repeated = true,
            known => return known,
        }
        sleep(PAUSE).await;
    }
}

/// Compares a registration with what has its id. The read is linearizable: the other may not yet be on
/// a majority of the nodes, and must not be vouched for before it is.
async fn first(store: &MongoStore, registration: &Registration) -> Result<Kept, StoreError> {
    let find = store
        .registrations
        .find_one(doc! { "_id": binary(registration.id.as_bytes()) })
        .projection(doc! { "digest": 1, "received_at": 1, "gone.at": 1, "claim.of": 1 })
        .read_concern(ReadConcern::linearizable())
        .selection_criteria(primary())
        .max_time(WAIT);
    let Some(found) = bounded(WAIT, find).await? else {
        return Err(StoreError::Unavailable("the first one is gone".into()));
    };
    if found.get_document("gone").is_ok() {
        return Ok(Kept::Gone);
    }
    if found.get_document("claim").is_ok() {
        return Ok(Kept::Claimed);
    }
    let (digest, received_at) = document::first(&found)?;
    Ok(Kept::beside(&registration.digest, &digest, received_at))
}
