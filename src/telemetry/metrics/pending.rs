//! Metrics of photos buffered in the database until the object store accepts them, and of pending deletions.

use prometheus::{IntCounter, IntGauge, Registry};

use super::add;
use crate::store::Pending;

/// Metrics of buffered photos.
#[derive(Clone, Debug)]
pub struct PendingMetrics {
    photos: IntGauge,
    bytes: IntGauge,
    unremoved: IntGauge,
    /// Buffered photos that this instance has uploaded.
    pub moved: IntCounter,
}

impl PendingMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            photos: gauge(
                "jornada_pending_photos",
                "Photos buffered in the database until the object store accepts them; the same on every instance",
            )?,
            bytes: gauge("jornada_pending_photo_bytes", "Bytes of these photos")?,
            unremoved: gauge(
                "jornada_unremoved_photos",
                "Photos of deleted registrations whose deletion is not confirmed; the same on every instance",
            )?,
            moved: add(
                registry,
                IntCounter::new(
                    "jornada_photos_moved_total",
                    "Buffered photos that this instance uploaded to the object store",
                )?,
            )?,
        })
    }

    /// Sets the number of pending deletions.
    pub fn unremoved(&self, photos: u64) {
        self.unremoved.set(number(photos));
    }

    /// Sets the number and size of buffered photos.
    pub fn waiting(&self, pending: &Pending) {
        self.photos.set(number(pending.photos));
        self.bytes.set(number(pending.bytes));
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
