//! Unresolved photos: ranges of puts that may have left a photo of nobody in the object store.

use jiff::Timestamp;

use crate::error::Result;
use crate::handle::Store;
use crate::records::{
    Condition, FieldChange, Fields, InsertableRecord, Query, ReadMode, Record, Table,
};

/// Maximum number of ranges read at once. Each process has one, and one for each of its failures.
const MAX_RANGES: u32 = 100_000;

/// The puts of one run that may have left a photo of nobody: `low..high`. Lower ones are resolved, higher ones have not
/// begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnresolvedPhotos {
    /// Random id of the run, a sequence of puts by one process.
    pub run: [u8; 12],
    /// Number of the first put.
    pub low: u64,
    /// Number after the last put.
    pub high: u64,
    /// When the process wrote this.
    pub seen_at: Timestamp,
}

impl Record for UnresolvedPhotos {
    const TABLE: Table = Table {
        awaits_primary: true,
        ..Table::new("unresolved_photos", "id")
    };

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            run: fields.take("id")?,
            low: fields.take("low")?,
            high: fields.take("high")?,
            seen_at: fields.take("seen_at")?,
        })
    }
}

impl InsertableRecord for UnresolvedPhotos {
    fn to_fields(&self) -> Fields {
        Fields::from([
            ("id", self.run.into()),
            ("low", self.low.into()),
            ("high", self.high.into()),
            ("seen_at", self.seen_at.into()),
        ])
    }
}

impl Store {
    /// Stores the range of a run in place of an earlier one, as durably as a registration. Idempotent.
    pub async fn set_unresolved_photos(&self, range: &UnresolvedPhotos) -> Result<()> {
        let set = async {
            let changes = [
                FieldChange::set("low", range.low),
                FieldChange::set("high", range.high),
                FieldChange::set("seen_at", range.seen_at),
            ];
            let run = [Condition::is("id", range.run)];
            if self
                .update_records::<UnresolvedPhotos>(run, changes)
                .await?
                == 0
            {
                self.insert_record(range).await?;
            }
            Ok(())
        };
        self.time("set_unresolved", set).await
    }

    /// Removes the range of a run whose puts are all resolved. Idempotent.
    pub async fn remove_unresolved_photos(&self, run: [u8; 12]) -> Result<()> {
        let delete = self.delete_records::<UnresolvedPhotos>([Condition::is("id", run)]);
        self.time("remove_unresolved", delete).await.map(drop)
    }

    /// Returns the ranges of all runs, the latest 100,000 if there are more.
    pub async fn unresolved_photos(&self) -> Result<Vec<UnresolvedPhotos>> {
        let all = Query::new([])
            .sort(&[("seen_at", -1)])
            .limit(MAX_RANGES)
            .read(ReadMode::Primary);
        self.time("unresolved", self.find_records(all)).await
    }

    /// Deletes ranges that were written before this time; returns how many.
    pub async fn delete_expired_unresolved_photos(&self, before: Timestamp) -> Result<u64> {
        let expired = [Condition::below("seen_at", before)];
        let delete = self.delete_records::<UnresolvedPhotos>(expired);
        self.time("delete_expired_unresolved", delete).await
    }
}
