//! What is counted of photos that wait: in the store until the photo store takes them, or to be removed.

use prometheus::{IntCounter, IntGauge, Registry};

use super::add;
use crate::store::Pending;

/// What is counted of photos that wait in the store.
#[derive(Clone, Debug)]
pub struct PendingMetrics {
    photos: IntGauge,
    bytes: IntGauge,
    unremoved: IntGauge,
    /// Photos that this instance has moved.
    pub moved: IntCounter,
}

impl PendingMetrics {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            photos: gauge(
                "jornada_pending_photos",
                "Photos that wait in the store until the photo store takes them; the same on every instance",
            )?,
            bytes: gauge("jornada_pending_photo_bytes", "Bytes of these photos")?,
            unremoved: gauge(
                "jornada_unremoved_photos",
                "Photos of deleted registrations that are not yet known to be gone; the same on every instance",
            )?,
            moved: add(
                registry,
                IntCounter::new(
                    "jornada_photos_moved_total",
                    "Photos that waited and were moved into the photo store by this instance",
                )?,
            )?,
        })
    }

    /// Notes how many photos of deleted registrations are still to be removed.
    pub fn unremoved(&self, photos: u64) {
        self.unremoved.set(number(photos));
    }

    /// Notes what waits.
    pub fn waiting(&self, pending: &Pending) {
        self.photos.set(number(pending.photos));
        self.bytes.set(number(pending.bytes));
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
