//! Uploads photos buffered in the database once the object store is available again. Runs on one instance at a time
//! (lease).

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::photos::{KeeperError, PhotoKeeper};
use crate::store::{PendingKey, PendingPhoto, Store};

/// Polling interval.
const TICK: Duration = Duration::from_secs(1);
/// Concurrent uploads; bounds the photos in memory.
const AT_ONCE: u8 = 4;
/// Lease length; longer than one page takes with a slow object store.
const LEASE: Duration = Duration::from_secs(30);
const LEASE_NAME: &str = "move-photos";

/// Uploads buffered photos until stopped.
#[derive(Debug)]
pub struct Mover {
    keeper: PhotoKeeper,
    store: Store,
    id: Uuid,
    /// Where the last pass failed. The next one continues after it, so that one bad photo does not block the others.
    after: Option<PendingKey>,
}

impl Mover {
    /// Creates an uploader for the photos buffered in `store`.
    #[must_use]
    pub fn new(keeper: PhotoKeeper, store: Store) -> Self {
        Self {
            keeper,
            store,
            id: Uuid::new_v4(),
            after: None,
        }
    }

    /// Polls every second until `stop`. Logs the first of several failures and retries.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let moved = stop
                .run_until_cancelled(Box::pin(self.look_and_move()))
                .await;
            if let Some(Err(error)) = &moved
                && !failing
            {
                warn!("cannot upload buffered photos, retrying: {error:#}");
            }
            failing = matches!(moved, Some(Err(_)));
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
        // If this fails, the lease expires by itself.
        self.store.release(LEASE_NAME, self.id).await.ok();
    }

    async fn look_and_move(&mut self) -> anyhow::Result<()> {
        let waiting = self.keeper.look().await?;
        if !self.keeper.is_back().await || waiting == 0 {
            return Ok(());
        }
        let mut moved = 0;
        while self.store.lease(LEASE_NAME, self.id, LEASE).await? {
            let page = self.keeper.waiting(self.after, AT_ONCE).await?;
            let Some(last) = page.last() else {
                break;
            };
            self.after = Some(last.key());
            moved += self.move_page(page).await?;
        }
        self.after = None;
        self.store.release(LEASE_NAME, self.id).await?;
        if moved > 0 {
            info!("uploaded {moved} buffered photos to the object store");
        }
        Ok(())
    }

    /// Uploads each photo; returns the first error after all were tried.
    async fn move_page(&self, page: Vec<PendingPhoto>) -> Result<usize, KeeperError> {
        let moving = page.into_iter().map(|photo| self.keeper.move_one(photo));
        let results: Vec<_> = stream::iter(moving)
            .buffer_unordered(AT_ONCE.into())
            .collect()
            .await;
        let count = results.len();
        results.into_iter().collect::<Result<(), _>>()?;
        Ok(count)
    }
}
