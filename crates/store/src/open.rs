//! Opens a store: connects, and creates missing tables and indexes.

use super::error::Result;
use super::handle::{Store, StoreBackend, dispatch};
use super::mongo::connect::connect;
use super::mongo::indexes::make_indexes;
use super::setting::StoreSetting;
use super::sqlite::handle::SqliteStore;
use super::time_limit::in_time;
use jornada_runtime::metrics::Meter;

impl Store {
    /// Connects, and creates missing tables and indexes. Fails for a store that cannot be used: a MongoDB server without
    /// a replica set, data of a newer program, an incomplete restore, or a SQLite file of another version.
    pub async fn open(setting: &StoreSetting) -> Result<Self> {
        let backend = match setting {
            StoreSetting::Mongo(uri) => {
                let open = async {
                    let store = connect(uri).await?;
                    store.check_version().await?;
                    make_indexes(&store).await.map(|()| store)
                };
                StoreBackend::Mongo(in_time(open).await?)
            }
            StoreSetting::Sqlite(path) => StoreBackend::Sqlite(SqliteStore::open(path).await?),
        };
        Ok(Self {
            backend,
            meter: Meter::default(),
        })
    }

    /// Checks that a registration could be inserted now. Answers within [`PING_TIMEOUT`](super::PING_TIMEOUT).
    pub async fn ping(&self) -> Result<()> {
        dispatch!("ping", self.ping())
    }
}
