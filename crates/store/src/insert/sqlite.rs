//! Inserts batches in SQLite, each in one transaction of the write thread.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{InsertOutcome, NewRecord, RowTexts, sum_deltas};
use crate::deltas;
use crate::error::{Result, StoreError};
use crate::sqlite::handle::SqliteStore;

impl SqliteStore {
    pub(crate) async fn insert<R: NewRecord>(
        &self,
        batch: Vec<R>,
        now: Timestamp,
    ) -> Vec<Result<InsertOutcome>> {
        let count = batch.len();
        let rows = batch.into_iter().map(|record| {
            let texts = record.to_texts();
            (record, texts)
        });
        let rows: Vec<_> = rows.collect();
        let insert = move |connection: &Connection| insert_rows(connection, &rows, now);
        match self.writer.write(insert).await {
            Ok(outcomes) => outcomes,
            Err(error) => (0..count).map(|_| Err(error.duplicate())).collect(),
        }
    }
}

/// Inserts the rows with their deltas. Fails if none may be stored.
fn insert_rows<R: NewRecord>(
    connection: &Connection,
    rows: &[(R, Result<RowTexts>)],
    now: Timestamp,
) -> Result<Vec<Result<InsertOutcome>>> {
    let mut outcomes = Vec::with_capacity(rows.len());
    let mut inserted = Vec::with_capacity(rows.len());
    for (record, texts) in rows {
        let outcome = match texts {
            Ok(texts) => insert(connection, record, texts, now)?,
            Err(error) => Err(error.duplicate()),
        };
        if let Ok(InsertOutcome::Inserted) = outcome {
            inserted.push(record);
        }
        outcomes.push(outcome);
    }
    for delta in sum_deltas(inserted) {
        deltas::sqlite::append(connection, &delta)?;
    }
    Ok(outcomes)
}

/// Inserts a row, or compares the record with the row that has its id. The outer error concerns the whole transaction,
/// the inner one only this row.
fn insert<R: NewRecord>(
    connection: &Connection,
    record: &R,
    texts: &RowTexts,
    now: Timestamp,
) -> Result<Result<InsertOutcome>> {
    match record.insert_row(texts, now, connection) {
        Ok(true) => Ok(Ok(InsertOutcome::Inserted)),
        Ok(false) => record.compare_row(connection).map(Ok),
        // SQLite has undone only the statement of the refused row.
        Err(StoreError::Failed(cause)) if !connection.is_autocommit() => {
            Ok(Err(StoreError::Refused(cause)))
        }
        Err(error) => Err(error),
    }
}
