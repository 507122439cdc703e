//! Reads tables of MongoDB as of one cluster time, and writes them back into an empty database.

use mongodb::Collection;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use mongodb::options::{
    Acknowledgment, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};

use super::table::{BackupTime, TableReader, of_sqlite};
use crate::error::{Result, StoreError};
use crate::mongo::connect::connect;
use crate::mongo::handle::{MongoStore, primary};
use crate::mongo::version::VERSION_TABLE;
use crate::setting::StoreSetting;
use crate::time_limit::{COUNT_TIMEOUT, OPERATION_TIMEOUT, in_time, with_timeout};

/// Tables that a backup leaves out: those of running instances, those whose data expire within a day, and the id of the
/// store, because caches that know what came after the backup must not take the restored store for the old one.
const LEFT_OUT: [&str; 7] = [
    "deltas",
    "jobs",
    "leases",
    "sessions",
    "store_id",
    "unresolved_photos",
    VERSION_TABLE,
];

/// Tables that are empty in a store without data.
const DATA: [&str; 3] = ["registrations", "votes", "accounts"];

/// Connects to MongoDB. Creates nothing.
pub(crate) async fn connect_to(setting: &StoreSetting) -> Result<MongoStore> {
    match setting {
        StoreSetting::Mongo(uri) => in_time(connect(uri)).await,
        StoreSetting::Sqlite(_) => Err(of_sqlite()),
    }
}

impl MongoStore {
    pub(crate) async fn backup_time(&self) -> Result<BackupTime> {
        let answer = self.run_on_primary(OPERATION_TIMEOUT, doc! { "ping": 1 });
        let time = answer.await?.get_timestamp("operationTime");
        time.map(BackupTime)
            .map_err(|_| StoreError::malformed("operation time"))
    }

    /// Returns the tables in order of their names, so that two backups can be compared.
    pub(crate) async fn backup_tables(&self) -> Result<Vec<String>> {
        let mut names = self.table_names().await?;
        names.retain(|name| !LEFT_OUT.contains(&name.as_str()));
        names.sort();
        Ok(names)
    }

    async fn table_names(&self) -> Result<Vec<String>> {
        let mut names = in_time(self.database.list_collection_names()).await?;
        names.retain(|name| !name.starts_with("system."));
        Ok(names)
    }

    pub(crate) async fn read_table(&self, table: &str, at: BackupTime) -> Result<TableReader> {
        let concern = doc! { "level": "snapshot", "atClusterTime": at.0 };
        let find = doc! { "find": table, "filter": {}, "readConcern": concern };
        let secondary = ReadPreference::SecondaryPreferred { options: None };
        let find = self
            .database
            .run_cursor_command(find)
            .selection_criteria(SelectionCriteria::ReadPreference(secondary));
        let cursor = with_timeout(COUNT_TIMEOUT, find.batch()).await?;
        Ok(TableReader(cursor))
    }

    /// Returns whether the database has no data that a restore would replace.
    pub(crate) async fn has_no_data(&self) -> Result<bool> {
        for table in DATA {
            let table = self.database.collection::<Document>(table);
            let find = table.find_one(doc! {}).projection(doc! { "_id": 1 });
            if in_time(find.selection_criteria(primary())).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes everything but the version.
    pub(crate) async fn drop_tables(&self) -> Result<()> {
        for table in self.table_names().await? {
            if table != VERSION_TABLE {
                let table = self.database.collection::<Document>(&table);
                with_timeout(COUNT_TIMEOUT, table.drop()).await?;
            }
        }
        Ok(())
    }

    /// Inserts documents. Acknowledged by the primary alone: a later write by the majority confirms all.
    pub(crate) async fn insert_documents(
        &self,
        table: &str,
        documents: Vec<Vec<u8>>,
    ) -> Result<()> {
        let documents = documents.into_iter().map(RawDocumentBuf::from_bytes);
        let documents: Vec<_> = documents
            .collect::<Result<_, _>>()
            .map_err(|_| StoreError::malformed("shape"))?;
        let table: Collection<RawDocumentBuf> = self.database.collection(table);
        let by_primary = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
        let insert = table.insert_many(documents).ordered(false);
        with_timeout(COUNT_TIMEOUT, insert.write_concern(by_primary))
            .await
            .map(drop)
    }

    pub(crate) async fn count_documents(&self, table: &str) -> Result<u64> {
        let table = self.database.collection::<Document>(table);
        // Counts the latest inserts too, which may not have reached the majority yet.
        let count = table
            .count_documents(doc! {})
            .read_concern(ReadConcern::local());
        with_timeout(COUNT_TIMEOUT, count.selection_criteria(primary())).await
    }
}
