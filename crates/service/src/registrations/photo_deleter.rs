//! Deletes photos of deleted registrations again after a grace period. Deleting a registration deletes its photo at
//! once if possible; this covers an unavailable object store, and a photo that arrived after the deletion (a retried
//! request, an upload in progress). Runs on one instance at a time (lease).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::metrics::BufferedPhotoMetrics;
use super::photo_repository::{PhotoError, PhotoRepository};
use jornada_runtime::background;
use jornada_runtime::metrics::gauge_value;
use jornada_store::{Lease, PendingPhotoDeletion, Store};

/// Wait after a deletion; longer than an upload can be in progress.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// Polling interval.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Photos deleted under one lease, sequentially.
const PAGE: u8 = 8;
/// Lease length; longer than one page takes with a slow object store.
const LEASE: Duration = Duration::from_mins(1);
const LEASE_NAME: &str = "remove-photos";

/// Deletes photos of deleted registrations until stopped.
#[derive(Debug)]
pub struct PhotoDeleter {
    photos: PhotoRepository,
    store: Store,
    metrics: BufferedPhotoMetrics,
    grace: SignedDuration,
    lease: Lease,
}

impl PhotoDeleter {
    /// Creates a deleter for the pending deletions in `store`; each becomes due `grace` after the deletion.
    pub fn new(
        photos: PhotoRepository,
        store: Store,
        metrics: BufferedPhotoMetrics,
        grace: SignedDuration,
    ) -> Self {
        Self {
            lease: Lease::new(&store, LEASE_NAME, LEASE),
            photos,
            store,
            metrics,
            grace,
        }
    }

    /// Polls every second until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let failure = "cannot delete photos of deleted registrations";
        let mut polling = background::every(POLL_INTERVAL, &stop);
        while polling
            .attempt(failure, self.delete_due(Timestamp::now()))
            .await
        {}
        // If this fails, the lease expires by itself.
        self.lease.release().await.ok();
    }

    async fn delete_due(&self, now: Timestamp) -> anyhow::Result<()> {
        let waiting = self.store.count_pending_deletions().await?;
        self.metrics.pending_deletions.set(gauge_value(waiting));
        if waiting > 0 && self.photos.check_available().await {
            self.lease.hold(self.delete_page(now)).await?;
        }
        Ok(())
    }

    /// Tries to delete each photo of a page, and returns the last error.
    async fn delete_page(&self, now: Timestamp) -> anyhow::Result<()> {
        let (mut removed, mut failed) = (0, None);
        for pending in self.store.pending_deletions(now - self.grace, PAGE).await? {
            match self.delete_photo(&pending).await {
                Ok(is_deleted) => removed += u32::from(is_deleted),
                Err(error) => failed = Some(error),
            }
        }
        if removed > 0 {
            info!("deleted {removed} photos of deleted registrations");
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Returns whether the photo is deleted; false while the object store is unavailable.
    async fn delete_photo(&self, pending: &PendingPhotoDeletion) -> Result<bool, PhotoError> {
        let PendingPhotoDeletion { campaign, id, .. } = pending;
        let is_deleted = self.photos.remove(campaign, *id).await?;
        if is_deleted {
            self.store.mark_deleted(*id).await?;
        }
        Ok(is_deleted)
    }
}
