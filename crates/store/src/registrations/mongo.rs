//! Registrations in MongoDB, one document each.

pub(super) mod document;
mod list;

use std::collections::BTreeMap;

use mongodb::bson::{DateTime, Document, RawDocumentBuf, doc};
use mongodb::options::ReadConcern;
use tokio::time::sleep;

use super::{InsertOutcome, Receipt};
use crate::error::{Result, StoreError};
use crate::mongo::convert;
use crate::mongo::convert::{binary, moment, read_field};
use crate::mongo::driver_error::is_duplicate;
use crate::mongo::handle::{MongoStore, RETRY_DELAY, primary};
use crate::mongo::indexes::list_index_hint;
use crate::time_limit::{COUNT_TIMEOUT, OPERATION_TIMEOUT, PING_TIMEOUT, in_time, with_timeout};
use jornada_domain::{
    Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, RegistrationSelection,
};

impl MongoStore {
    pub(crate) async fn insert(
        &self,
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<InsertOutcome> {
        let document = document::from_registration(campaign, registration)?;
        in_time(insert(self, &document, registration)).await
    }

    pub(crate) async fn receipt(&self, number: ReceiptNumber) -> Result<Option<Receipt>> {
        let (least, greatest) = number.id_range();
        let range = doc! { "$gte": binary(least.as_bytes()), "$lte": binary(greatest.as_bytes()) };
        // Tombstones and aliases have no `campaign`.
        let filter = doc! { "_id": range, "campaign": { "$exists": true } };
        let shown = doc! { "campaign": 1, "value": 1, "received_at": 1 };
        let find = self.registrations.find_one(filter).projection(shown);
        let found = in_time(find).await?;
        found.as_deref().map(document::receipt).transpose()
    }

    pub(crate) async fn registration(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>> {
        let found = in_time(self.registrations.find_one(id_filter(&campaign.id, id))).await?;
        let read = |found| document::registration(campaign, found);
        found.as_deref().map(read).transpose()
    }

    pub(crate) async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>> {
        let find = self.registrations.find_one(id_filter(campaign, id));
        let found = in_time(find.projection(doc! { "answers": 1 })).await?;
        let read = |found: RawDocumentBuf| document::answers(&found);
        found.map(read).transpose().map(Option::unwrap_or_default)
    }

    pub(crate) async fn count(
        &self,
        campaign: &CampaignId,
        selection: &RegistrationSelection,
    ) -> Result<u64> {
        let filter = selection_filter(campaign, selection);
        let count = self.registrations.count_documents(filter);
        with_timeout(COUNT_TIMEOUT, count.hint(list_index_hint())).await
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        let ping = self.run_on_primary(PING_TIMEOUT, doc! { "ping": 1 });
        ping.await.map(drop)
    }
}

/// Matches one registration of a campaign.
pub(super) fn id_filter(campaign: &CampaignId, id: RegistrationId) -> Document {
    doc! { "_id": binary(id.as_bytes()), "campaign": campaign.as_str() }
}

/// Matches times of arrival from the first bound (inclusive) until the second (exclusive).
pub(super) fn insert_period(filter: &mut Document, bounds: [Option<DateTime>; 2]) {
    let named = ["$gte", "$lt"].into_iter().zip(bounds);
    let period: Document = named
        .filter_map(|(bound, at)| Some((bound.to_owned(), at?.into())))
        .collect();
    if !period.is_empty() {
        filter.insert("received_at", period);
    }
}

/// Returns the filter of a selection; the index covers all of it.
pub(crate) fn selection_filter(
    campaign: &CampaignId,
    selection: &RegistrationSelection,
) -> Document {
    let mut filter = doc! { "campaign": campaign.as_str() };
    if let Some(value) = &selection.tally_value {
        filter.insert("value", value);
    }
    let bounds = [selection.from.map(moment), selection.until.map(moment)];
    insert_period(&mut filter, bounds);
    filter
}

/// Retries without limit while the store may come back: the caller sets the time limit.
async fn insert(
    store: &MongoStore,
    document: &RawDocumentBuf,
    registration: &Registration,
) -> Result<InsertOutcome> {
    let mut retried = false;
    loop {
        let outcome = match store.registrations.insert_one(document).await {
            Ok(_) => Ok(InsertOutcome::Inserted),
            Err(error) if is_duplicate(&error) => compare_with_stored(store, registration).await,
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
) -> Result<InsertOutcome> {
    let find = store
        .registrations
        .find_one(doc! { "_id": binary(registration.id.as_bytes()) })
        .projection(doc! { "digest": 1, "received_at": 1, "gone.at": 1, "claim.of": 1 })
        .read_concern(ReadConcern::linearizable())
        .selection_criteria(primary())
        .max_time(OPERATION_TIMEOUT);
    let Some(found) = in_time(find).await? else {
        return Err(StoreError::Unavailable("the document is missing".into()));
    };
    if found.get_document("gone").is_ok() {
        return Ok(InsertOutcome::Deleted);
    }
    if found.get_document("claim").is_ok() {
        return Ok(InsertOutcome::AliasTaken);
    }
    let digest: [u8; 32] = read_field(&found, "digest", convert::bytes)?;
    let received_at = read_field(&found, "received_at", convert::time)?;
    Ok(InsertOutcome::from_digests(
        &registration.digest,
        &digest,
        received_at,
    ))
}
