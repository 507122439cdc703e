//! Writes a backup into a database, which no program opens until the restore is complete.

use super::backup::mongo::connect_to;
use super::error::Result;
use super::handle::{Store, StoreBackend};
use super::mongo::handle::MongoStore;
use super::mongo::indexes::make_indexes;
use super::setting::StoreSetting;
use jornada_runtime::metrics::Meter;

/// A database that is to be replaced by a backup.
#[derive(Clone, Debug)]
pub struct RestoreTarget(MongoStore);

/// Content of a database before a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// No registrations, votes or accounts.
    Empty,
    /// Data of a site.
    Used,
    /// A part of a backup: a restore was interrupted.
    Incomplete,
}

impl RestoreTarget {
    /// Connects. Changes nothing.
    pub async fn connect(setting: &StoreSetting) -> Result<Self> {
        connect_to(setting).await.map(Self)
    }

    /// Returns what the database contains.
    pub async fn state(&self) -> Result<TargetState> {
        if self.0.stamp().await?.is_restoring {
            return Ok(TargetState::Incomplete);
        }
        let is_empty = self.0.has_no_data().await?;
        Ok(if is_empty {
            TargetState::Empty
        } else {
            TargetState::Used
        })
    }

    /// Marks the database as incomplete, and removes its data.
    pub async fn clear(&self) -> Result<()> {
        self.0.mark_restoring().await?;
        self.0.drop_tables().await
    }

    /// Inserts documents into a table.
    pub async fn insert(&self, table: &str, documents: Vec<Vec<u8>>) -> Result<()> {
        self.0.insert_documents(table, documents).await
    }

    /// Counts the documents of a table.
    pub async fn count(&self, table: &str) -> Result<u64> {
        self.0.count_documents(table).await
    }

    /// Creates missing tables and indexes, and opens the store, which is still marked as incomplete.
    pub async fn open(&self) -> Result<Store> {
        make_indexes(&self.0).await?;
        Ok(Store {
            backend: StoreBackend::Mongo(self.0.clone()),
            meter: Meter::default(),
        })
    }

    /// Marks the database as complete.
    pub async fn finish(&self) -> Result<()> {
        self.0.mark_restored().await
    }
}
