//! The handle to a store, which passes each operation on to its back end.

use super::error::Result;
use super::mongo::handle::MongoStore;
use super::records::{Condition, FieldChange, InsertableRecord, Order, Query, Record};
use super::sqlite::handle::SqliteStore;
use jornada_runtime::metrics::Meter;

/// A handle to the store. Cheap to clone: clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) backend: StoreBackend,
    pub(crate) meter: Meter,
}

#[derive(Clone, Debug)]
pub(crate) enum StoreBackend {
    /// A MongoDB replica set or sharded cluster.
    Mongo(MongoStore),
    /// One SQLite file on this machine.
    Sqlite(SqliteStore),
}

macro_rules! dispatch {
    ($self:ident.$operation:ident($($argument:expr),* $(,)?)) => {
        match &$self.backend {
            $crate::handle::StoreBackend::Mongo(store) => store.$operation($($argument),*).await,
            $crate::handle::StoreBackend::Sqlite(store) => store.$operation($($argument),*).await,
        }
    };
    ($label:literal, $self:ident.$operation:ident($($argument:expr),* $(,)?)) => {
        $self.time($label, async { $crate::handle::dispatch!($self.$operation($($argument),*)) }).await
    };
}

pub(crate) use dispatch;

impl Store {
    /// Records the operations of this store with `meter`.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Records time and outcome of an operation under a label. The label is part of the metrics contract: it does not
    /// follow a rename of the method. Boxes the future, because futures of the MongoDB driver are large and would
    /// enlarge every future that awaits them.
    pub(crate) async fn time<T, E>(
        &self,
        label: &'static str,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.meter.time(label, Box::pin(operation)).await
    }

    /// Inserts a record. Returns false if a unique field has the same value in another one.
    pub(crate) async fn insert_record<R: InsertableRecord>(&self, record: &R) -> Result<bool> {
        dispatch!(self.insert_record(R::TABLE, record.to_fields()))
    }

    /// Inserts records at once, and leaves out those whose key exists.
    pub(crate) async fn insert_records<R: InsertableRecord>(&self, records: &[R]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let records = records.iter().map(R::to_fields).collect();
        dispatch!(self.insert_records(R::TABLE, records))
    }

    /// Counts all records, up to `limit`.
    pub(crate) async fn count_records<R: Record>(&self, limit: u32) -> Result<u64> {
        dispatch!(self.count_records(R::TABLE, limit))
    }

    pub(crate) async fn find_record<R: Record>(&self, query: Query) -> Result<Option<R>> {
        Ok(self.find_records(query.limit(1)).await?.pop())
    }

    pub(crate) async fn find_records<R: Record>(&self, query: Query) -> Result<Vec<R>> {
        let found = dispatch!(self.find_records(R::TABLE, query))?;
        found.into_iter().map(R::from_fields).collect()
    }

    /// Returns the number of records that fulfil the conditions.
    pub(crate) async fn update_records<R: Record>(
        &self,
        conditions: impl Into<Vec<Condition>>,
        changes: impl Into<Vec<FieldChange>>,
    ) -> Result<u64> {
        let (conditions, changes) = (conditions.into(), changes.into());
        dispatch!(self.update_records(R::TABLE, conditions, changes))
    }

    /// Changes the first record that fulfils the conditions, and returns it.
    pub(crate) async fn update_first_record<R: Record>(
        &self,
        conditions: impl Into<Vec<Condition>>,
        order: Order,
        changes: impl Into<Vec<FieldChange>>,
    ) -> Result<Option<R>> {
        let (conditions, changes) = (conditions.into(), changes.into());
        let updated = dispatch!(self.update_first_record(R::TABLE, conditions, order, changes))?;
        updated.map(R::from_fields).transpose()
    }

    pub(crate) async fn delete_records<R: Record>(
        &self,
        conditions: impl Into<Vec<Condition>>,
    ) -> Result<u64> {
        let conditions = conditions.into();
        dispatch!(self.delete_records(R::TABLE, conditions))
    }
}
