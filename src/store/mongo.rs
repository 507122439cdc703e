//! MongoDB back end, for more than one instance. The uniqueness of `_id` decides which registration is first, on one
//! node or sharded. A write is acknowledged once a majority of the nodes has it on disk.

mod account;
mod amend;
mod amended;
mod audit;
mod closing;
mod connect;
mod consent;
mod counted;
mod document;
mod erased;
mod fault;
mod feed;
mod job;
mod keep;
mod lease;
mod list;
mod names;
mod pending;
mod removal;
mod retention;
mod search;
mod session;
mod snapshot;
mod token;
mod vault_key;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Document, RawDocumentBuf, doc};
use mongodb::error::Result as Driven;
use mongodb::options::{ReadPreference, SelectionCriteria};
use mongodb::{Collection, Database};
use secrecy::SecretString;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Batches, FeedError, Kept, PING, Pending, PendingKey, PendingPhoto, Position, Receipt, Snapshot,
    StoreError, WAIT,
};
use crate::domain::{Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, Selection};

pub use feed::MongoFeed;

/// Time limit of a count of a whole campaign: about a second for each million registrations.
const COUNT: Duration = Duration::from_mins(1);

/// Time limit for creating the search indexes: some seconds for each million stored registrations, once.
const BUILD: Duration = Duration::from_mins(10);

/// One database of a replica set or sharded cluster.
#[derive(Clone, Debug)]
pub struct MongoStore {
    database: Database,
    registrations: Collection<RawDocumentBuf>,
    revisions: Collection<Document>,
    accounts: Collection<Document>,
    sessions: Collection<Document>,
    tokens: Collection<Document>,
    audit: Collection<Document>,
    closings: Collection<Document>,
    vault_keys: Collection<Document>,
    pending: Collection<RawDocumentBuf>,
    leases: Collection<Document>,
    jobs: Collection<Document>,
    refusals: Collection<Document>,
    consents: Collection<Document>,
}

impl MongoStore {
    pub(super) async fn open(uri: &SecretString) -> Result<Self, StoreError> {
        let opened = timeout(WAIT, connect::open(uri)).await;
        let store = opened.map_err(|_| StoreError::late())??;
        bounded(BUILD, search::make_indexes(&store)).await?;
        Ok(store)
    }

    pub(super) async fn keep(
        &self,
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<Kept, StoreError> {
        let kept = timeout(WAIT, keep::keep(self, campaign, registration)).await;
        kept.map_err(|_| StoreError::late())?
    }

    pub(super) async fn receipt(
        &self,
        number: ReceiptNumber,
    ) -> Result<Option<Receipt>, StoreError> {
        let (least, greatest) = number.ids();
        let range = doc! { "$gte": binary(least.as_bytes()), "$lte": binary(greatest.as_bytes()) };
        // Tombstones and aliases have no `campaign`.
        let filter = doc! { "_id": range, "campaign": { "$exists": true } };
        let shown = doc! { "campaign": 1, "value": 1, "received_at": 1 };
        let find = self.registrations.find_one(filter);
        let found = bounded(WAIT, find.projection(shown)).await?;
        found.as_deref().map(document::receipt).transpose()
    }

    pub(super) async fn registration(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        let filter = doc! { "_id": binary(id.as_bytes()), "campaign": campaign.id.as_str() };
        let found = bounded(WAIT, self.registrations.find_one(filter)).await?;
        let read = |found| document::registration(campaign, found);
        found.as_deref().map(read).transpose()
    }

    pub(super) async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let filter = doc! { "_id": binary(id.as_bytes()), "campaign": campaign.as_str() };
        let find = self.registrations.find_one(filter);
        let found = bounded(WAIT, find.projection(doc! { "answers": 1 })).await?;
        let read = |found: RawDocumentBuf| document::answers(&found);
        found.map(read).transpose().map(Option::unwrap_or_default)
    }

    pub(super) async fn count(
        &self,
        campaign: &CampaignId,
        selection: &Selection,
    ) -> Result<u64, StoreError> {
        let count = self.registrations.count_documents(of(campaign, selection));
        bounded(COUNT, count.hint(connect::in_order())).await
    }

    pub(super) async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &Selection,
    ) -> Result<Batches, StoreError> {
        list::all(self, campaign, selection).await
    }

    pub(super) async fn snapshot(&self, campaign: &CampaignId) -> Result<Snapshot, StoreError> {
        snapshot::take(self, campaign).await
    }

    pub(super) async fn feed(
        &self,
        campaign: &CampaignId,
        after: &Position,
    ) -> Result<MongoFeed, FeedError> {
        MongoFeed::open(self.clone(), campaign.clone(), after).await
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.ask_primary(PING, doc! { "ping": 1 }).await.map(|_| ())
    }

    pub(super) async fn keep_pending(&self, photo: &PendingPhoto) -> Result<(), StoreError> {
        pending::keep(self, photo).await
    }

    pub(super) async fn pending_photo(&self, key: PendingKey) -> Result<Option<Bytes>, StoreError> {
        pending::bytes(self, &key).await
    }

    pub(super) async fn pending_after(
        &self,
        after: Option<PendingKey>,
        most: u8,
    ) -> Result<Vec<PendingPhoto>, StoreError> {
        pending::after(self, after.as_ref(), most).await
    }

    pub(super) async fn remove_pending(&self, key: PendingKey) -> Result<bool, StoreError> {
        pending::remove(self, &key).await
    }

    pub(super) async fn pending(&self) -> Result<Pending, StoreError> {
        pending::all(self).await
    }

    pub(super) async fn lease(
        &self,
        name: &'static str,
        holder: Uuid,
        length: Duration,
    ) -> Result<bool, StoreError> {
        lease::take(self, name, holder, length).await
    }

    pub(super) async fn release(&self, name: &'static str, holder: Uuid) -> Result<(), StoreError> {
        lease::release(self, name, holder).await
    }

    pub(super) async fn clock(&self) -> Result<Timestamp, StoreError> {
        lease::clock(self).await
    }

    /// Runs a command on the primary, the only node with the latest state.
    async fn ask_primary(&self, wait: Duration, ask: Document) -> Result<Document, StoreError> {
        let answer = self.database.run_command(ask);
        bounded(wait, answer.selection_criteria(primary())).await
    }
}

fn primary() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::Primary)
}

fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

/// Returns the filter of a selection; the index covers all of it.
fn of(campaign: &CampaignId, selection: &Selection) -> Document {
    let mut filter = doc! { "campaign": campaign.as_str() };
    if let Some(value) = &selection.value {
        filter.insert("value", value);
    }
    let bounds = [("$gte", selection.from), ("$lt", selection.until)];
    let bounds = bounds
        .into_iter()
        .filter_map(|(bound, at)| Some((bound, at?)));
    let received: Document = bounds
        .map(|(bound, at)| (bound.to_owned(), account::moment(at).into()))
        .collect();
    if !received.is_empty() {
        filter.insert("received_at", received);
    }
    filter
}

/// Runs an operation of the driver with a time limit.
async fn bounded<T>(
    wait: Duration,
    operation: impl IntoFuture<Output = Driven<T>>,
) -> Result<T, StoreError> {
    let answer = timeout(wait, operation.into_future()).await;
    Ok(answer.map_err(|_| StoreError::late())??)
}
