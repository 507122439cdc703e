//! Opens a store: connects, and creates missing tables and indexes.

use super::error::Result;
use super::handle::{Store, StoreBackend, dispatch};
use super::mongo::connect::connect;
use super::mongo::handle::MongoStore;
use super::setting::StoreSetting;
use super::sqlite::handle::SqliteStore;
use super::time_limit::in_time;
use super::{audit, campaigns, jobs, keys, leases, photos, registrations, staff};
use jornada_runtime::metrics::Meter;

const SQLITE_TABLES: &[&str] = &[
    registrations::sqlite::TABLES,
    registrations::feed::sqlite::TABLES,
    registrations::updates::sqlite::TABLES,
    photos::buffer::sqlite::TABLES,
    photos::deletions::sqlite::TABLES,
    jobs::sqlite::TABLES,
    staff::sqlite::TABLES,
    audit::sqlite::TABLES,
    campaigns::sqlite::TABLES,
    leases::sqlite::TABLES,
    keys::sqlite::TABLES,
];

impl Store {
    /// Connects, and creates missing tables and indexes. Fails for a store that cannot be used: a MongoDB server without
    /// a replica set, or a SQLite file of another version.
    pub async fn open(setting: &StoreSetting) -> Result<Self> {
        let backend = match setting {
            StoreSetting::Mongo(uri) => {
                let open = async {
                    let store = connect(uri).await?;
                    make_indexes(&store).await.map(|()| store)
                };
                StoreBackend::Mongo(in_time(open).await?)
            }
            StoreSetting::Sqlite(path) => {
                StoreBackend::Sqlite(SqliteStore::open(path, SQLITE_TABLES).await?)
            }
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

async fn make_indexes(store: &MongoStore) -> Result<()> {
    registrations::mongo::make_indexes(store).await?;
    registrations::search::mongo::make_indexes(store).await?;
    registrations::updates::mongo::make_collection(store).await?;
    photos::buffer::mongo::make_indexes(store).await?;
    photos::deletions::mongo::make_indexes(store).await?;
    jobs::mongo::make_indexes(store).await?;
    staff::mongo::make_indexes(store).await?;
    audit::mongo::make_indexes(store).await?;
    Ok(())
}
