//! What is counted of photos that wait in the store until the photo store takes them.

use prometheus::{IntCounter, IntGauge, Registry};

use super::add;
use crate::store::Pending;

/// What is counted of photos that wait in the store.
#[derive(Clone, Debug)]
pub struct PendingMetrics {
    photos: IntGauge,
    bytes: IntGauge,
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
            moved: add(
                registry,
                IntCounter::new(
                    "jornada_photos_moved_total",
                    "Photos that waited and were moved into the photo store by this instance",
                )?,
            )?,
        })
    }

    /// Notes what waits.
    pub fn waiting(&self, pending: &Pending) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.photos.set(number(pending.photos));
        self.bytes.set(number(pending.bytes));
    }
}
