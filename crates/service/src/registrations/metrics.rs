//! Metrics of submissions, and of photos that are buffered, unresolved or to be deleted.

use prometheus::{
    Histogram, IntCounter, IntCounterVec, IntGauge, Registry, histogram_opts,
    register_histogram_with_registry as histogram,
    register_int_counter_vec_with_registry as counters,
    register_int_counter_with_registry as counter, register_int_gauge_with_registry as gauge,
};

/// Metrics of submissions.
#[derive(Clone, Debug)]
pub struct RegistrationMetrics {
    pub(super) registrations: IntCounterVec,
    pub(super) refusals: IntCounterVec,
    pub(super) photo_bytes: Histogram,
}

impl RegistrationMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        // From a thumbnail to the maximum of 8 MiB.
        let kib = [
            32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0,
        ];
        let buckets = kib.map(|kib| kib * 1024.0).to_vec();
        Ok(Self {
            registrations: counters!(
                "jornada_registrations_total",
                "Registrations by campaign and outcome: accepted, retried, taken, deleted, refused, closed, failed",
                &["campaign", "outcome"],
                registry
            )?,
            refusals: counters!(
                "jornada_refusals_total",
                "Reasons for rejections, by campaign; one submission may have several",
                &["campaign", "reason"],
                registry
            )?,
            photo_bytes: histogram!(
                histogram_opts!("jornada_photo_bytes", "Sizes of stored photos", buckets),
                registry
            )?,
        })
    }
}

/// Metrics of buffered, unresolved and orphaned photos, and of pending deletions.
#[derive(Clone, Debug)]
pub struct BufferedPhotoMetrics {
    pub(super) photos: IntGauge,
    pub(super) bytes: IntGauge,
    pub(super) pending_deletions: IntGauge,
    pub(super) unresolved: IntGauge,
    /// Orphaned photos that this instance deleted, of attempts that did not end in a registration.
    pub(crate) deleted_unresolved: IntCounter,
    /// Orphaned photos that this instance deleted, for which there is no such explanation.
    pub(crate) deleted_unexplained: IntCounter,
    /// Photos that this instance uploaded from the buffer.
    pub uploaded: IntCounter,
}

impl BufferedPhotoMetrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let deleted = counters!(
            "jornada_orphaned_photos_deleted_total",
            "Orphaned photos deleted by sweeps of this instance, by reason: unresolved, unexplained",
            &["reason"],
            registry
        )?;
        Ok(Self {
            unresolved: gauge!(
                "jornada_unresolved_photos",
                "Photos stored by this instance whose registration is not yet stored or of unknown outcome",
                registry
            )?,
            deleted_unresolved: deleted.with_label_values(&["unresolved"]),
            deleted_unexplained: deleted.with_label_values(&["unexplained"]),
            photos: gauge!(
                "jornada_pending_photos",
                "Photos buffered in the database until they are uploaded; the same on every instance",
                registry
            )?,
            bytes: gauge!(
                "jornada_pending_photo_bytes",
                "Bytes of buffered photos",
                registry
            )?,
            pending_deletions: gauge!(
                "jornada_unremoved_photos",
                "Photos of deleted registrations that are still to be deleted; the same on every instance",
                registry
            )?,
            uploaded: counter!(
                "jornada_photos_moved_total",
                "Photos uploaded from the buffer to the object store by this instance",
                registry
            )?,
        })
    }
}
