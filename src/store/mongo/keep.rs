//! Inserts one registration, also during an election: retries until the outcome is known.

use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::ReadConcern;
use tokio::time::sleep;

use super::{MongoStore, binary, bounded, document, fault, primary};
use crate::domain::{Campaign, Registration};
use crate::store::{Kept, StoreError, WAIT};

/// Delay between attempts while there is no primary.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Retries without limit while the store may come back: the caller sets the time limit.
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
            // An earlier attempt was stored, but its acknowledgement was lost.
            Ok(Kept::Retry(at)) if repeated && at == registration.received_at => {
                return Ok(Kept::New);
            }
            Err(StoreError::Unavailable(_)) => repeated = true,
            known => return known,
        }
        sleep(PAUSE).await;
    }
}

/// Compares a registration with the document that has its id. The read is linearizable: a majority may not have that
/// document yet, and it must not be reported as stored before.
async fn first(store: &MongoStore, registration: &Registration) -> Result<Kept, StoreError> {
    let find = store
        .registrations
        .find_one(doc! { "_id": binary(registration.id.as_bytes()) })
        .projection(doc! { "digest": 1, "received_at": 1, "gone.at": 1, "claim.of": 1 })
        .read_concern(ReadConcern::linearizable())
        .selection_criteria(primary())
        .max_time(WAIT);
    let Some(found) = bounded(WAIT, find).await? else {
        return Err(StoreError::Unavailable("the registration is gone".into()));
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
