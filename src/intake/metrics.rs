//! What is counted of those who register, and of photos that wait: in the store until the photo store takes them, or to be
//! removed.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Registry};

use crate::domain::CampaignId;
use crate::store::BufferTotals;
use crate::telemetry::metrics::{add, counters, gauge_value};

/// What is counted of those who register.
#[derive(Clone, Debug)]
pub struct RegistrationMetrics {
    registrations: IntCounterVec,
    refusals: IntCounterVec,
    photo_bytes: Histogram,
}

impl RegistrationMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            registrations: add(
                registry,
                counters(
                    "jornada_registrations_total",
                    "Registrations by campaign and outcome: accepted, retried, taken, deleted, refused, closed, failed",
                    &["campaign", "outcome"],
                )?,
            )?,
            refusals: add(
                registry,
                counters(
                    "jornada_refusals_total",
                    "Reasons for which nothing was registered, by campaign; one attempt may have several",
                    &["campaign", "reason"],
                )?,
            )?,
            photo_bytes: add(registry, photo_sizes()?)?,
        })
    }

    /// Counts an attempt to register by its outcome.
    pub fn attempted(&self, campaign: &CampaignId, outcome: &str) {
        let labels = [campaign.as_str(), outcome];
        self.registrations.with_label_values(&labels).inc();
    }

    /// Counts one reason for which nothing was registered; one attempt may have several.
    pub fn refused(&self, campaign: &CampaignId, reason: &str) {
        let labels = [campaign.as_str(), reason];
        self.refusals.with_label_values(&labels).inc();
    }

    /// Counts a photo of so many bytes.
    pub fn photo_kept(&self, bytes: usize) {
        self.photo_bytes
            .observe(f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)));
    }
}

/// From a thumbnail to the 8 MiB that are taken at most.
fn photo_sizes() -> Result<Histogram, prometheus::Error> {
    const KIB: f64 = 1024.0;
    let buckets = [
        32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0,
    ];
    let options = HistogramOpts::new("jornada_photo_bytes", "Sizes of the photos kept");
    Histogram::with_opts(options.buckets(buckets.map(|kib| kib * KIB).to_vec()))
}

/// What is counted of photos that wait in the store.
#[derive(Clone, Debug)]
pub struct BufferedPhotoMetrics {
    photos: IntGauge,
    bytes: IntGauge,
    pending_deletions: IntGauge,
    /// Photos that this instance has moved.
    pub uploaded: IntCounter,
}

impl BufferedPhotoMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            photos: gauge(
                "jornada_pending_photos",
                "Photos that wait in the store until the photo store takes them; the same on every instance",
            )?,
            bytes: gauge("jornada_pending_photo_bytes", "Bytes of these photos")?,
            pending_deletions: gauge(
                "jornada_unremoved_photos",
                "Photos of deleted registrations that are not yet known to be gone; the same on every instance",
            )?,
            uploaded: add(
                registry,
                IntCounter::new(
                    "jornada_photos_moved_total",
                    "Photos that waited and were moved into the photo store by this instance",
                )?,
            )?,
        })
    }

    /// Notes how many photos of deleted registrations are still to be removed.
    pub fn set_pending_deletions(&self, photos: u64) {
        self.pending_deletions.set(gauge_value(photos));
    }

    /// Notes what waits.
    pub fn set_buffered(&self, pending: &BufferTotals) {
        self.photos.set(gauge_value(pending.photos));
        self.bytes.set(gauge_value(pending.bytes));
    }
}
