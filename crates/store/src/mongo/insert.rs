//! Inserts one registration, also during an election: retries until the outcome is known.

use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::ReadConcern;
use tokio::time::sleep;

use super::{MongoStore, binary, document, driver_error, primary, with_timeout};
use crate::{InsertOutcome, OPERATION_TIMEOUT, StoreError};
use jornada_domain::{Campaign, Registration};

/// Delay between attempts while there is no primary.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Retries without limit while the store may come back: the caller sets the time limit.
pub(super) async fn insert(
    store: &MongoStore,
    campaign: &Campaign,
    registration: &Registration,
) -> Result<InsertOutcome, StoreError> {
    let document = document::from_registration(campaign, registration)?;
    let mut retried = false;
    loop {
        let outcome = match store.registrations.insert_one(&document).await {
            Ok(_) => Ok(InsertOutcome::Inserted),
            Err(error) if driver_error::is_duplicate(&error) => {
                compare_with_stored(store, registration).await
            }
            Err(error) => Err(error.into()),
        };
        match outcome {
            // An earlier attempt was stored, but its acknowledgement was lost.
            Ok(InsertOutcome::SameAgain(at)) if retried && at == registration.received_at => {
                return Ok(InsertOutcome::Inserted);
            }
            Err(StoreError::Unavailable(_)) => retried = true,
            known => return known,
        }
        sleep(RETRY_DELAY).await;
    }
}

/// Compares a registration with the document that has its id. The read is linearizable: a majority may not have that
/// document yet, and it must not be reported as stored before.
async fn compare_with_stored(
    store: &MongoStore,
    registration: &Registration,
) -> Result<InsertOutcome, StoreError> {
    let find = store
        .registrations
        .find_one(doc! { "_id": binary(registration.id.as_bytes()) })
        .projection(doc! { "digest": 1, "received_at": 1, "gone.at": 1, "claim.of": 1 })
        .read_concern(ReadConcern::linearizable())
        .selection_criteria(primary())
        .max_time(OPERATION_TIMEOUT);
    let Some(found) = with_timeout(OPERATION_TIMEOUT, find).await? else {
        return Err(StoreError::Unavailable("the document is missing".into()));
    };
    if found.get_document("gone").is_ok() {
        return Ok(InsertOutcome::Deleted);
    }
    if found.get_document("claim").is_ok() {
        return Ok(InsertOutcome::AliasTaken);
    }
    let (digest, received_at) = document::digest_and_arrival(&found)?;
    Ok(InsertOutcome::from_digests(
        &registration.digest,
        &digest,
        received_at,
    ))
}
