//! MongoDB back end, for more than one instance. The uniqueness of `_id` decides which registration is first, on one
//! node or sharded. A write is acknowledged once a majority of the nodes has it on disk.

mod account;
mod audit;
mod buffered_photos;
mod connect;
mod consent;
mod document;
mod driver_error;
mod early_closures;
mod erased_registrations;
mod feed;
mod history;
mod insert;
mod job;
mod lease;
mod list;
mod pending_deletions;
mod retention;
mod search;
mod session;
mod snapshot;
mod statistics;
mod token;
mod update;
mod wrapped_keys;

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
    BufferTotals, BufferedPhoto, BufferedPhotoKey, FeedError, InsertOutcome, OPERATION_TIMEOUT,
    PING_TIMEOUT, Position, Receipt, RegistrationStream, Snapshot, StoreError,
};
use jornada_domain::{
    Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, Selection,
};

pub use feed::MongoFeed;

/// Time limit of a count of a whole campaign: about a second for each million registrations.
const COUNT_TIMEOUT: Duration = Duration::from_mins(1);

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
    closures: Collection<Document>,
    wrapped_keys: Collection<Document>,
    buffered_photos: Collection<RawDocumentBuf>,
    leases: Collection<Document>,
    jobs: Collection<Document>,
    rejections: Collection<Document>,
    consents: Collection<Document>,
}

impl MongoStore {
    pub(super) async fn open(uri: &SecretString) -> Result<Self, StoreError> {
        let opened = timeout(OPERATION_TIMEOUT, connect::open(uri)).await;
        opened.map_err(|_| StoreError::timed_out())?
    }

    pub(super) async fn insert(
        &self,
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<InsertOutcome, StoreError> {
        let inserted = timeout(
            OPERATION_TIMEOUT,
            insert::insert(self, campaign, registration),
        )
        .await;
        inserted.map_err(|_| StoreError::timed_out())?
    }

    pub(super) async fn receipt(
        &self,
        number: ReceiptNumber,
    ) -> Result<Option<Receipt>, StoreError> {
        let (least, greatest) = number.id_range();
        let range = doc! { "$gte": binary(least.as_bytes()), "$lte": binary(greatest.as_bytes()) };
        // Tombstones and aliases have no `campaign`.
        let filter = doc! { "_id": range, "campaign": { "$exists": true } };
        let shown = doc! { "campaign": 1, "value": 1, "received_at": 1 };
        let find = self.registrations.find_one(filter);
        let found = with_timeout(OPERATION_TIMEOUT, find.projection(shown)).await?;
        found.as_deref().map(document::receipt).transpose()
    }

    pub(super) async fn registration(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        let filter = doc! { "_id": binary(id.as_bytes()), "campaign": campaign.id.as_str() };
        let found = with_timeout(OPERATION_TIMEOUT, self.registrations.find_one(filter)).await?;
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
        let found = with_timeout(OPERATION_TIMEOUT, find.projection(doc! { "answers": 1 })).await?;
        let read = |found: RawDocumentBuf| document::answers(&found);
        found.map(read).transpose().map(Option::unwrap_or_default)
    }

    pub(super) async fn count(
        &self,
        campaign: &CampaignId,
        selection: &Selection,
    ) -> Result<u64, StoreError> {
        let count = self
            .registrations
            .count_documents(selection_filter(campaign, selection));
        with_timeout(COUNT_TIMEOUT, count.hint(connect::list_index_hint())).await
    }

    pub(super) async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &Selection,
    ) -> Result<RegistrationStream, StoreError> {
        list::open_stream(self, campaign, selection).await
    }

    pub(super) async fn snapshot(&self, campaign: &CampaignId) -> Result<Snapshot, StoreError> {
        snapshot::count_totals(self, campaign).await
    }

    pub(super) async fn feed(
        &self,
        campaign: &CampaignId,
        after: &Position,
    ) -> Result<MongoFeed, FeedError> {
        MongoFeed::open(self.clone(), campaign.clone(), after).await
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.run_on_primary(PING_TIMEOUT, doc! { "ping": 1 })
            .await
            .map(|_| ())
    }

    pub(super) async fn buffer_photo(&self, photo: &BufferedPhoto) -> Result<(), StoreError> {
        buffered_photos::insert(self, photo).await
    }

    pub(super) async fn buffered_photo(
        &self,
        key: BufferedPhotoKey,
    ) -> Result<Option<Bytes>, StoreError> {
        buffered_photos::find_bytes(self, &key).await
    }

    pub(super) async fn buffered_photos(
        &self,
        after: Option<BufferedPhotoKey>,
        limit: u8,
    ) -> Result<Vec<BufferedPhoto>, StoreError> {
        buffered_photos::list_after(self, after.as_ref(), limit).await
    }

    pub(super) async fn remove_buffered_photo(
        &self,
        key: BufferedPhotoKey,
    ) -> Result<bool, StoreError> {
        buffered_photos::remove(self, &key).await
    }

    pub(super) async fn buffer_totals(&self) -> Result<BufferTotals, StoreError> {
        buffered_photos::totals(self).await
    }

    pub(super) async fn acquire_lease(
        &self,
        name: &'static str,
        holder: Uuid,
        duration: Duration,
    ) -> Result<bool, StoreError> {
        lease::acquire(self, name, holder, duration).await
    }

    pub(super) async fn release_lease(
        &self,
        name: &'static str,
        holder: Uuid,
    ) -> Result<(), StoreError> {
        lease::release(self, name, holder).await
    }

    pub(super) async fn now(&self) -> Result<Timestamp, StoreError> {
        lease::now(self).await
    }

    /// Runs a command on the primary, the only node with the latest state.
    async fn run_on_primary(
        &self,
        limit: Duration,
        command: Document,
    ) -> Result<Document, StoreError> {
        let answer = self.database.run_command(command);
        with_timeout(limit, answer.selection_criteria(primary())).await
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
fn selection_filter(campaign: &CampaignId, selection: &Selection) -> Document {
    let mut filter = doc! { "campaign": campaign.as_str() };
    if let Some(value) = &selection.tally_value {
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
async fn with_timeout<T>(
    limit: Duration,
    operation: impl IntoFuture<Output = Driven<T>>,
) -> Result<T, StoreError> {
    let answer = timeout(limit, operation.into_future()).await;
    Ok(answer.map_err(|_| StoreError::timed_out())??)
}
