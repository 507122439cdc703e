//! Batches that were read from partitions but are not stored yet, in the order in which they were read. A partition is
//! committed only up to the first record that is not stored.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// The offset after the last record of each partition.
pub(super) type NextOffsets = BTreeMap<i32, i64>;

/// Batches that are not committed. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct PendingBatches(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    batches: Mutex<Batches>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Batches {
    read: VecDeque<ReadBatch>,
    next_number: u64,
    /// Set when a batch was dropped without being stored.
    has_lost_one: bool,
}

#[derive(Debug)]
struct ReadBatch {
    number: u64,
    next_offsets: NextOffsets,
    is_stored: bool,
}

/// One batch. Dropped without [`finish`](Self::finish), its records must be read again.
#[derive(Debug)]
pub(crate) struct PendingBatch {
    batches: PendingBatches,
    number: u64,
    is_stored: bool,
}

impl PendingBatches {
    /// Adds a batch that was read.
    pub(super) fn add(&self, next_offsets: NextOffsets) -> PendingBatch {
        let mut batches = self.0.batches.lock();
        let number = batches.next_number;
        batches.next_number += 1;
        batches.read.push_back(ReadBatch {
            number,
            next_offsets,
            is_stored: false,
        });
        PendingBatch {
            batches: self.clone(),
            number,
            is_stored: false,
        }
    }

    /// Removes the stored batches before which none is missing, and returns the offsets to commit.
    pub(super) fn take_stored(&self) -> NextOffsets {
        let mut offsets = NextOffsets::new();
        let mut batches = self.0.batches.lock();
        while let Some(batch) = batches.read.pop_front_if(|batch| batch.is_stored) {
            offsets.extend(batch.next_offsets);
        }
        offsets
    }

    /// Waits until fewer than `max` batches are not stored, up to `timeout`. Returns whether that is so.
    pub(super) fn wait_for_fewer_than(&self, max: usize, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut batches = self.0.batches.lock();
        while batches.unstored() >= max && !batches.has_lost_one {
            if self
                .0
                .changed
                .wait_until(&mut batches, deadline)
                .timed_out()
            {
                return batches.unstored() < max;
            }
        }
        batches.unstored() < max
    }

    /// Forgets partitions that another member may read now: nothing more is committed for them.
    pub(super) fn forget_partitions(&self, partitions: &[i32]) {
        for batch in &mut self.0.batches.lock().read {
            batch
                .next_offsets
                .retain(|partition, _| !partitions.contains(partition));
        }
    }

    /// Forgets everything, before the records are read again from the last commit.
    pub(super) fn clear(&self) {
        let mut batches = self.0.batches.lock();
        batches.read.clear();
        batches.has_lost_one = false;
    }

    /// Returns whether records must be read again.
    pub(super) fn has_lost_one(&self) -> bool {
        self.0.batches.lock().has_lost_one
    }

    fn end(&self, number: u64, is_stored: bool) {
        let mut batches = self.0.batches.lock();
        // Missing if the batches were cleared meanwhile.
        let found = batches.read.iter_mut().find(|one| one.number == number);
        let is_known = found.map(|batch| batch.is_stored = is_stored).is_some();
        batches.has_lost_one |= is_known && !is_stored;
        drop(batches);
        self.0.changed.notify_all();
    }
}

impl Batches {
    fn unstored(&self) -> usize {
        self.read.iter().filter(|batch| !batch.is_stored).count()
    }
}

impl PendingBatch {
    /// Records that each record of the batch is stored.
    pub(crate) fn finish(mut self) {
        self.is_stored = true;
    }
}

impl Drop for PendingBatch {
    fn drop(&mut self) {
        self.batches.end(self.number, self.is_stored);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets<const N: usize>(offsets: [(i32, i64); N]) -> NextOffsets {
        offsets.into()
    }

    #[test]
    fn only_what_has_no_gap_before_it_is_committed() {
        let batches = PendingBatches::default();
        let first = batches.add(offsets([(0, 10), (1, 5)]));
        let second = batches.add(offsets([(0, 20)]));
        let third = batches.add(offsets([(1, 9)]));
        second.finish();
        assert_eq!(batches.take_stored(), offsets([]));
        first.finish();
        assert_eq!(batches.take_stored(), offsets([(0, 20), (1, 5)]));
        assert_eq!(batches.take_stored(), offsets([]));
        assert!(!batches.wait_for_fewer_than(1, Duration::from_millis(1)));
        third.finish();
        assert!(batches.wait_for_fewer_than(1, Duration::ZERO));
        assert_eq!(batches.take_stored(), offsets([(1, 9)]));
    }

    #[test]
    fn a_partition_of_another_member_is_not_committed() {
        let batches = PendingBatches::default();
        let batch = batches.add(offsets([(0, 10), (1, 5)]));
        batches.forget_partitions(&[1]);
        batch.finish();
        assert_eq!(batches.take_stored(), offsets([(0, 10)]));
    }

    #[test]
    fn a_dropped_batch_is_noticed_and_those_after_it_are_not_committed() {
        let batches = PendingBatches::default();
        let first = batches.add(offsets([(0, 10)]));
        let second = batches.add(offsets([(0, 20)]));
        second.finish();
        drop(first);
        assert!(batches.has_lost_one());
        assert_eq!(batches.take_stored(), offsets([]));
        batches.clear();
        assert!(!batches.has_lost_one());
    }

    #[test]
    fn a_batch_of_before_does_not_count_after_everything_is_read_again() {
        let batches = PendingBatches::default();
        let before = batches.add(offsets([(0, 10)]));
        batches.clear();
        let again = batches.add(offsets([(0, 7)]));
        before.finish();
        assert_eq!(batches.take_stored(), offsets([]));
        again.finish();
        assert_eq!(batches.take_stored(), offsets([(0, 7)]));
    }
}
