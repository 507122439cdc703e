//! Batches of records.

use derive_more::Debug;

use jornada_domain::QueueRecord;

/// Maximum number of records in a batch.
pub(crate) const MAX_RECORDS: usize = 1_000;

/// Size of the values from which on a batch is full, in bytes.
pub(crate) const FULL_BYTES: usize = 1 << 20;

/// Maximum number of batches that are read but not acknowledged.
pub const MAX_PENDING_BATCHES: usize = 4;

/// Records to store. They are read again, by this consumer or another, unless the batch is acknowledged.
#[derive(Debug)]
pub struct QueueBatch {
    /// The records, at most 1,000.
    pub records: Vec<QueueRecord>,
    /// Removes them from the queue.
    pub acknowledgement: Acknowledgement,
}

/// Removes a batch from the queue.
#[derive(Debug)]
pub struct Acknowledgement(#[debug(skip)] Box<dyn FnOnce() + Send>);

impl Acknowledgement {
    /// Creates one that does this.
    pub(crate) fn new(acknowledge: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(acknowledge))
    }

    /// Removes the batch from the queue, shortly after. Call it when every record is stored or kept as a dead letter.
    pub fn acknowledge(self) {
        (self.0)();
    }
}
