//! Collects the records of a batch.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};

use super::pending_batches::NextOffsets;
use crate::batch::{FULL_BYTES, MAX_RECORDS};
use jornada_domain::QueueRecord;
use jornada_domain::queue_record::MAX_KEY_BYTES;

/// Records of the next batch.
pub(super) struct BatchBuilder {
    topic: String,
    records: Vec<QueueRecord>,
    bytes: usize,
    next_offsets: NextOffsets,
}

impl BatchBuilder {
    /// Starts a batch of records of this topic.
    pub(super) fn new(topic: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            records: Vec::new(),
            bytes: 0,
            next_offsets: BTreeMap::new(),
        }
    }

    /// Adds a record.
    pub(super) fn push(&mut self, message: &BorrowedMessage<'_>) {
        let record = to_record(&self.topic, message);
        self.bytes += record.value.len();
        self.next_offsets
            .insert(message.partition(), message.offset() + 1);
        self.records.push(record);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= MAX_RECORDS || self.bytes >= FULL_BYTES
    }

    /// Removes the records of partitions that another member reads from now on.
    pub(super) fn forget_partitions(&mut self, partitions: &[i32]) {
        if partitions.is_empty() {
            return;
        }
        let is_forgotten = |partition: i32| partitions.contains(&partition);
        self.records
            .retain(|record| !record.partition.is_some_and(is_forgotten));
        self.next_offsets
            .retain(|partition, _| !is_forgotten(*partition));
    }

    /// Takes the batch, unless it is empty.
    pub(super) fn take(&mut self) -> Option<(Vec<QueueRecord>, NextOffsets)> {
        self.bytes = 0;
        let next_offsets = std::mem::take(&mut self.next_offsets);
        if self.records.is_empty() {
            return None;
        }
        let fresh = Vec::with_capacity(self.records.len());
        Some((std::mem::replace(&mut self.records, fresh), next_offsets))
    }
}

fn to_record(topic: &str, message: &BorrowedMessage<'_>) -> QueueRecord {
    let mut record = QueueRecord::new(
        topic.to_owned(),
        Some(message.partition()),
        message.offset().to_string(),
        message.key(),
        message.payload().unwrap_or_default(),
    );
    let milliseconds = message.timestamp().to_millis();
    record.appended_at = milliseconds.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let Some(headers) = message.headers() else {
        return record;
    };
    for header in headers.iter() {
        let value = header.value.map(|value| {
            let kept = &value[..value.len().min(MAX_KEY_BYTES)];
            kept.to_vec()
        });
        match header.key {
            "campaign" => record.campaign = value,
            "door" => record.door = value,
            "received_at" => record.received_at = value,
            _ => {}
        }
    }
    record
}
