//! Where registrations are kept, and the feed of what changed. Two back ends, one contract (`tests/store`):
//! the identity decides who was first, and what `keep` acknowledged is never lost or doubled.

pub mod account;
mod amend;
pub mod audit;
mod closing;
mod consent;
mod counted;
mod erased;
mod error;
pub mod feed;
pub mod job;
mod kept;
mod lease;
pub mod mongo;
mod pending;
mod placed;
mod removal;
mod retention;
pub mod search;
pub mod session;
pub mod sqlite;
mod stream;
pub mod token;
pub mod vault_key;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::StoreSetting;
use crate::domain::{Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, Selection};
use crate::telemetry::metrics::Meter;

pub use amend::Amended;
pub use erased::Erased;
pub use error::StoreError;
pub use feed::{Change, Feed, FeedError, Position, Snapshot};
pub use kept::{Kept, Receipt};
pub use pending::{Pending, PendingKey, PendingPhoto};
pub use removal::Unremoved;
pub use stream::Batches;
pub use vault_key::WrappedKey;

/// Longest wait for a store: an election fits in, and a dead one does not look like a hung instance.
pub const WAIT: Duration = Duration::from_secs(10);

/// Longest wait for the answer to [`Store::ping`].
pub const PING: Duration = Duration::from_secs(1);

/// Where registrations are kept. Cheap to clone: all clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    meter: Meter,
}

#[derive(Clone, Debug)]
enum Backend {
    /// A MongoDB replica set or sharded cluster.
    Mongo(mongo::MongoStore),
    /// One SQLite file of this machine.
    Sqlite(sqlite::SqliteStore),
}

/// Hands a call to the back end; its time and outcome are noted under the method's name. Boxed, since the futures of
/// MongoDB's driver are large and would swell every future that waits for them.
macro_rules! ask {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        $self.meter.time(stringify!($operation), Box::pin(async {
            match &$self.backend {
                $crate::store::Backend::Mongo(store) => store.$operation($($argument),*).await,
                $crate::store::Backend::Sqlite(store) => store.$operation($($argument),*).await,
            }
        })).await
    };
}

use ask;

impl Store {
    /// Connects, and makes tables and indexes where they are missing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] after [`WAIT`]; [`StoreError::Failed`] when what answers cannot be used.
    pub async fn open(setting: &StoreSetting) -> Result<Self, StoreError> {
        let backend = match setting {
            StoreSetting::Mongo(uri) => Backend::Mongo(mongo::MongoStore::open(uri).await?),
            StoreSetting::Sqlite(path) => Backend::Sqlite(sqlite::SqliteStore::open(path).await?),
        };
        Ok(Self {
            backend,
            meter: Meter::default(),
        })
    }

    /// The same store, whose operations are timed.
    #[must_use]
    pub fn timed(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Keeps a registration, unless its identity is taken. Once this is answered it survives the loss of any
    /// one process, and of any one node.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] also when the outcome is unknown: the same registration may be kept again.
    pub async fn keep(
        &self,
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<Kept, StoreError> {
        ask!(self.keep(campaign, registration))
    }

    /// What the receipt of this number shows, if there is one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn receipt(&self, number: ReceiptNumber) -> Result<Option<Receipt>, StoreError> {
        ask!(self.receipt(number))
    }

    /// One registration of a campaign.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn registration(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        ask!(self.registration(campaign, id))
    }

    /// The answers of one registration by the names of their questions, also to those that are no longer asked.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        ask!(self.answers(campaign, id))
    }

    /// How many registrations of a campaign are selected.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count(
        &self,
        campaign: &CampaignId,
        selection: &Selection,
    ) -> Result<u64, StoreError> {
        ask!(self.count(campaign, selection))
    }

    /// The selected registrations: those of one value in order of arrival (time, then id), or of every value, value by value
    /// (in the order of their bytes). All that was kept before this call is in it once. What is kept while it is
    /// read: SQLite shows none of it (one read transaction), MongoDB may show some (majority reads of an index in
    /// its order), always whole and once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &Selection,
    ) -> Result<Batches, StoreError> {
        ask!(self.registrations(campaign, selection))
    }

    /// The totals of a campaign, and the place in its feed at which they were true.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn snapshot(&self, campaign: &CampaignId) -> Result<Snapshot, StoreError> {
        ask!(self.snapshot(campaign))
    }

    /// What changed in a campaign after a position.
    ///
    /// # Errors
    /// [`FeedError::Lost`] when the store's history does not reach back so far; also from [`Feed::next`].
    pub async fn feed(&self, campaign: &CampaignId, after: &Position) -> Result<Feed, FeedError> {
        let opened = async {
            match &self.backend {
                Backend::Mongo(store) => store.feed(campaign, after).await.map(Feed::from),
                Backend::Sqlite(store) => store.feed(campaign, after).await.map(Feed::from),
            }
        };
        self.meter.time("feed", Box::pin(opened)).await
    }

    /// Asks whether a registration could be kept now; answers within [`PING`].
    ///
    /// # Errors
    /// When the store does not answer in time.
    pub async fn ping(&self) -> Result<(), StoreError> {
        ask!(self.ping())
    }
}
