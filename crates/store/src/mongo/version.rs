//! Version of the data in MongoDB, and the mark of a restore that has not ended. Both are in one document.

use mongodb::Collection;
use mongodb::bson::{Document, doc};

use super::driver_error;
use super::handle::{MongoStore, primary};
use crate::error::{Result, StoreError};
use crate::time_limit::in_time;

/// Version of the data that this program writes. Raise it with a change after which an older program would read or
/// write something wrong, and add the change to `docs/operations.md`.
pub(crate) const VERSION: i64 = 1;

/// Collection of the document.
pub(crate) const VERSION_TABLE: &str = "version";

const ID: &str = "store";

/// Content of the document. A database of before the first version has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) version: Option<i64>,
    pub(crate) is_restoring: bool,
}

impl MongoStore {
    /// Refuses data of a newer program and a database that a restore has not completed; otherwise records the version.
    pub(crate) async fn check_version(&self) -> Result<()> {
        let stamp = self.stamp().await?;
        if stamp.is_restoring {
            let message = "a restore into this database was interrupted: run it again";
            return Err(StoreError::Failed(message.into()));
        }
        match stamp.version {
            Some(VERSION) => Ok(()),
            Some(version) if version > VERSION => {
                Err(StoreError::Failed(newer_version(version).into()))
            }
            _ => {
                self.set_stamp(doc! { "$max": { "version": VERSION } })
                    .await
            }
        }
    }

    pub(crate) async fn stamp(&self) -> Result<Stamp> {
        let versions = self.versions();
        let find = versions.find_one(doc! { "_id": ID });
        let found = in_time(find.selection_criteria(primary())).await?;
        let found = found.unwrap_or_default();
        Ok(Stamp {
            version: found.get_i64("version").ok(),
            is_restoring: found.get_bool("restoring").unwrap_or(false),
        })
    }

    /// Marks the database as incomplete: no program opens it.
    pub(crate) async fn mark_restoring(&self) -> Result<()> {
        self.set_stamp(doc! { "$set": { "restoring": true } }).await
    }

    /// Marks the database as complete, with data of this version.
    pub(crate) async fn mark_restored(&self) -> Result<()> {
        let complete = doc! { "$set": { "version": VERSION }, "$unset": { "restoring": "" } };
        self.set_stamp(complete).await
    }

    async fn set_stamp(&self, update: Document) -> Result<()> {
        let versions = self.versions();
        let set = || {
            versions
                .update_one(doc! { "_id": ID }, update.clone())
                .upsert(true)
        };
        let written = async {
            match set().await {
                // Two instances insert the document at once: the second attempt finds it.
                Err(error) if driver_error::is_duplicate(&error) => set().await,
                written => written,
            }
        };
        in_time(written).await.map(drop)
    }

    fn versions(&self) -> Collection<Document> {
        self.database.collection(VERSION_TABLE)
    }
}

/// Returns why data are rejected, and what to do.
fn newer_version(version: i64) -> String {
    format!(
        "the data have version {version}, and this program supports only version {VERSION}: \
         run the newer program that wrote them, or restore a backup of before its first start"
    )
}
