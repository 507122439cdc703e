//! Uploads photos buffered in the database once the object store is available again. Runs on one instance at a time
//! (lease).

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::photo_repository::{PhotoError, PhotoRepository};
use jornada_runtime::background;
use jornada_store::{BufferedPhoto, BufferedPhotoKey, Lease, Store};

/// Polling interval.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Concurrent uploads; bounds the photos in memory.
const CONCURRENCY: u8 = 4;
/// Lease length; longer than one page takes with a slow object store.
const LEASE: Duration = Duration::from_secs(30);
const LEASE_NAME: &str = "move-photos";

/// Uploads buffered photos until stopped.
#[derive(Debug)]
pub struct BufferedPhotoUploader {
    photos: PhotoRepository,
    lease: Lease,
    /// Where the last pass failed. The next one continues after it, so that one bad photo does not block the others.
    after: Option<BufferedPhotoKey>,
}

impl BufferedPhotoUploader {
    /// Creates an uploader for the photos buffered in `store`.
    pub fn new(photos: PhotoRepository, store: &Store) -> Self {
        Self {
            photos,
            lease: Lease::new(store, LEASE_NAME, LEASE),
            after: None,
        }
    }

    /// Polls every second until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let failure = "cannot upload buffered photos";
        let mut polling = background::every(POLL_INTERVAL, &stop);
        while polling.attempt(failure, self.upload_all()).await {}
        // If this fails, the lease expires by itself.
        self.lease.release().await.ok();
    }

    async fn upload_all(&mut self) -> anyhow::Result<()> {
        let waiting = self.photos.count_buffered().await?;
        if !self.photos.check_available().await || waiting == 0 {
            return Ok(());
        }
        let mut moved = 0;
        while self.lease.acquire().await? {
            let page = self.photos.store.buffered_photos(self.after, CONCURRENCY);
            let page = page.await?;
            let Some(last) = page.last() else {
                break;
            };
            self.after = Some(last.key());
            moved += self.upload_page(page).await?;
        }
        self.after = None;
        self.lease.release().await?;
        if moved > 0 {
            info!("uploaded {moved} buffered photos to the object store");
        }
        Ok(())
    }

    /// Uploads each photo; returns the first error after all were tried.
    async fn upload_page(&self, page: Vec<BufferedPhoto>) -> Result<usize, PhotoError> {
        let moving = page
            .into_iter()
            .map(|photo| self.photos.upload_buffered(photo));
        let results: Vec<_> = stream::iter(moving)
            .buffer_unordered(CONCURRENCY.into())
            .collect()
            .await;
        let count = results.len();
        results.into_iter().collect::<Result<(), _>>()?;
        Ok(count)
    }
}
