//! Id of a store. Caches use it, so that they never mix the data of two databases.

use uuid::Uuid;

use super::error::{Result, StoreError};
use super::handle::Store;
use super::records::{Fields, InsertableRecord, Query, ReadMode, Record, Table};

/// The only record of its table.
struct StoreId(Uuid);

const NAME: &str = "store";

impl Record for StoreId {
    const TABLE: Table = Table::new("store_id", "name");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        fields.take("id").map(Self)
    }
}

impl InsertableRecord for StoreId {
    fn to_fields(&self) -> Fields {
        Fields::from([("name", NAME.into()), ("id", self.0.into())])
    }
}

impl Store {
    /// Returns the id of this database, which the first call creates.
    pub async fn id(&self) -> Result<Uuid> {
        let read = async {
            // If it exists, the first one remains.
            self.insert_record(&StoreId(Uuid::new_v4())).await?;
            let found = self.find_record(Query::new([]).read(ReadMode::Primary));
            let StoreId(id) = found.await?.ok_or_else(|| StoreError::malformed("id"))?;
            Ok(id)
        };
        self.time("id", read).await
    }
}
