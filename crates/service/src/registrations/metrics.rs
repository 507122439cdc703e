//! Metrics of submissions, and of photos that are buffered or still to be deleted.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Registry};

use jornada_domain::CampaignId;
use jornada_runtime::metrics::{add, counters, gauge_value};
use jornada_store::BufferTotals;

/// Metrics of submissions.
#[derive(Clone, Debug)]
pub struct RegistrationMetrics {
    registrations: IntCounterVec,
    refusals: IntCounterVec,
    photo_bytes: Histogram,
}

impl RegistrationMetrics {
    /// Registers the metrics.
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
                    "Reasons for rejections, by campaign; one submission may have several",
                    &["campaign", "reason"],
                )?,
            )?,
            photo_bytes: add(registry, photo_sizes()?)?,
        })
    }

    /// Counts a submission by its outcome.
    pub fn attempted(&self, campaign: &CampaignId, outcome: &str) {
        let labels = [campaign.as_str(), outcome];
        self.registrations.with_label_values(&labels).inc();
    }

    /// Counts one reason for a rejection; one submission may have several.
    pub fn refused(&self, campaign: &CampaignId, reason: &str) {
        let labels = [campaign.as_str(), reason];
        self.refusals.with_label_values(&labels).inc();
    }

    /// Records the size of a stored photo.
    pub fn photo_kept(&self, bytes: usize) {
        self.photo_bytes
            .observe(f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)));
    }
}

/// Creates the histogram, from a thumbnail to the maximum of 8 MiB.
fn photo_sizes() -> Result<Histogram, prometheus::Error> {
    const KIB: f64 = 1024.0;
    let buckets = [
        32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0,
    ];
    let options = HistogramOpts::new("jornada_photo_bytes", "Sizes of stored photos");
    Histogram::with_opts(options.buckets(buckets.map(|kib| kib * KIB).to_vec()))
}

/// Metrics of buffered photos and pending deletions.
#[derive(Clone, Debug)]
pub struct BufferedPhotoMetrics {
    photos: IntGauge,
    bytes: IntGauge,
    pending_deletions: IntGauge,
    /// Photos that this instance uploaded from the buffer.
    pub uploaded: IntCounter,
}

impl BufferedPhotoMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| add(registry, IntGauge::new(name, help)?);
        Ok(Self {
            photos: gauge(
                "jornada_pending_photos",
                "Photos buffered in the database until they are uploaded; the same on every instance",
            )?,
            bytes: gauge("jornada_pending_photo_bytes", "Bytes of buffered photos")?,
            pending_deletions: gauge(
                "jornada_unremoved_photos",
                "Photos of deleted registrations that are still to be deleted; the same on every instance",
            )?,
            uploaded: add(
                registry,
                IntCounter::new(
                    "jornada_photos_moved_total",
                    "Photos uploaded from the buffer to the object store by this instance",
                )?,
            )?,
        })
    }

    /// Sets the number of pending deletions.
    pub fn set_pending_deletions(&self, photos: u64) {
        self.pending_deletions.set(gauge_value(photos));
    }

    /// Sets the size of the buffer.
    pub fn set_buffered(&self, totals: &BufferTotals) {
        self.photos.set(gauge_value(totals.photos));
        self.bytes.set(gauge_value(totals.bytes));
    }
}
