//! Stores registrations and related data in MongoDB or SQLite. Both back ends fulfil one contract, which `tests/store`
//! checks: an id is registered once, and an acknowledged registration is never lost or duplicated.
//!
//! # Errors
//! Every operation returns [`StoreError`], except that those of the feed return [`FeedError`]. It is
//! [`StoreError::Unavailable`] if the store is unreachable or does not answer within [`OPERATION_TIMEOUT`], and
//! [`StoreError::Failed`] if it rejects the operation or returns unusable data. After a write that returned
//! `Unavailable` the outcome is unknown: the change may or may not be stored. Idempotent operations may be repeated.

pub mod account;
mod answers_by_field;
pub mod audit;
mod buffered_photos;
mod consent;
mod early_closures;
mod erased_registrations;
mod error;
pub mod feed;
mod insert_outcome;
pub mod job;
mod lease;
pub mod mongo;
mod pending_deletions;
mod retention;
pub mod search;
pub mod session;
mod setting;
pub mod sqlite;
mod statistics;
mod stream;
pub mod token;
mod update;
pub mod wrapped_keys;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, Selection};
use crate::telemetry::metrics::Meter;

pub use buffered_photos::{BufferTotals, BufferedPhoto, BufferedPhotoKey};
pub use erased_registrations::ErasedRegistration;
pub use error::StoreError;
pub use feed::{Change, Feed, FeedError, Position, Snapshot};
pub use insert_outcome::{InsertOutcome, Receipt};
pub use lease::Lease;
pub use pending_deletions::PendingDeletion;
pub use setting::StoreSetting;
pub use stream::RegistrationStream;
pub use update::UpdateOutcome;
pub use wrapped_keys::WrappedKey;

/// Time limit of an operation: longer than an election, and shorter than what looks like a hung instance.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// Time limit of [`Store::ping`].
pub const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A handle to the store. Cheap to clone: clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    backend: StoreBackend,
    meter: Meter,
}

#[derive(Clone, Debug)]
enum StoreBackend {
    /// A MongoDB replica set or sharded cluster.
    Mongo(mongo::MongoStore),
    /// One SQLite file on this machine.
    Sqlite(sqlite::SqliteStore),
}

/// Dispatches a call to the back end, and records its time and outcome under an `operation` label. The label is part
/// of the metrics contract: it does not follow a rename of the method. Boxes the future, because futures of the
/// MongoDB driver are large and would enlarge every future that awaits them.
macro_rules! dispatch {
    ($label:literal, $self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time($label, Box::pin(async {
            match &$self.backend {
                $crate::store::StoreBackend::Mongo(store) => store.$operation($($argument),*).await,
                $crate::store::StoreBackend::Sqlite(store) => store.$operation($($argument),*).await,
            }
        })).await
    };
}

use dispatch;

impl Store {
    /// Connects, and creates missing tables and indexes.
    ///
    /// # Errors
    /// [`StoreError::Failed`] also for a store that cannot be used: a MongoDB server without a replica set, or a file
    /// of a newer version.
    pub async fn open(setting: &StoreSetting) -> Result<Self, StoreError> {
        let backend = match setting {
            StoreSetting::Mongo(uri) => StoreBackend::Mongo(mongo::MongoStore::open(uri).await?),
            StoreSetting::Sqlite(path) => {
                StoreBackend::Sqlite(sqlite::SqliteStore::open(path).await?)
            }
        };
        Ok(Self {
            backend,
            meter: Meter::default(),
        })
    }

    /// Records the operations of this store with `meter`.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Inserts a registration unless its id exists. Once acknowledged it survives the loss of any one process or node.
    /// Idempotent.
    pub async fn insert(
        &self,
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<InsertOutcome, StoreError> {
        dispatch!("keep", self.insert(campaign, registration))
    }

    /// Returns the contents of the receipt with this number.
    pub async fn receipt(&self, number: ReceiptNumber) -> Result<Option<Receipt>, StoreError> {
        dispatch!("receipt", self.receipt(number))
    }

    /// Returns one registration of a campaign.
    pub async fn registration(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        dispatch!("registration", self.registration(campaign, id))
    }

    /// Returns the answers of a registration by field name, including fields that the campaign no longer has.
    pub async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        dispatch!("answers", self.answers(campaign, id))
    }

    /// Counts the selected registrations of a campaign.
    pub async fn count(
        &self,
        campaign: &CampaignId,
        selection: &Selection,
    ) -> Result<u64, StoreError> {
        dispatch!("count", self.count(campaign, selection))
    }

    /// Streams the selected registrations: those of one value by arrival (time, then id), those of all values by value
    /// (byte order), then arrival.
    ///
    /// Returns everything inserted before this call exactly once. Of what is inserted during the read, SQLite returns
    /// nothing (one read transaction); MongoDB may return some, each complete and once (majority reads along an
    /// index).
    pub async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &Selection,
    ) -> Result<RegistrationStream, StoreError> {
        dispatch!("registrations", self.registrations(campaign, selection))
    }

    /// Counts the totals of a campaign, and returns them with the feed position at which they hold.
    pub async fn snapshot(&self, campaign: &CampaignId) -> Result<Snapshot, StoreError> {
        dispatch!("snapshot", self.snapshot(campaign))
    }

    /// Opens the feed of a campaign after a position.
    ///
    /// # Errors
    /// [`FeedError::Lost`] if the store's history does not reach back to the position; [`Feed::next`] returns it too.
    pub async fn feed(&self, campaign: &CampaignId, after: &Position) -> Result<Feed, FeedError> {
        let opened = async {
            match &self.backend {
                StoreBackend::Mongo(store) => store.feed(campaign, after).await.map(Feed::from),
                StoreBackend::Sqlite(store) => store.feed(campaign, after).await.map(Feed::from),
            }
        };
        self.meter.time("feed", Box::pin(opened)).await
    }

    /// Checks that a registration could be inserted now. Answers within [`PING_TIMEOUT`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        dispatch!("ping", self.ping())
    }
}
