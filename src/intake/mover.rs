//! Moves photos that wait in the store into the photo store, once that is back: one process at a time.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::photos::{KeeperError, PhotoKeeper};
use crate::store::{PendingKey, PendingPhoto, Store};

/// Between two looks.
const TICK: Duration = Duration::from_secs(1);
/// Photos moved at once: so many are held in memory.
const AT_ONCE: u8 = 4;
/// Longer than moving so many takes, however slow the photo store is.
const LEASE: Duration = Duration::from_secs(30);
const LEASE_NAME: &str = "move-photos";

/// Moves photos until it is stopped.
#[derive(Debug)]
pub struct Mover {
    keeper: PhotoKeeper,
    store: Store,
    id: Uuid,
    /// Where the last pass broke off: a photo that cannot be moved does not stand before all others for ever.
    after: Option<PendingKey>,
}

impl Mover {
    /// Moves what this keeper lets wait in this store.
    #[must_use]
    pub fn new(keeper: PhotoKeeper, store: Store) -> Self {
        Self {
            keeper,
            store,
            id: Uuid::new_v4(),
            after: None,
        }
    }

    /// Looks every second until `stop`; a failure is logged and followed by the next look.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let moved = stop
                .run_until_cancelled(Box::pin(self.look_and_move()))
                .await;
            if let Some(Err(error)) = &moved
                && !failing
            {
                warn!("photos that wait cannot be moved: {error:#}");
            }
            failing = matches!(moved, Some(Err(_)));
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
        // The lease ends by itself when this does not arrive.
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
            info!("moved {moved} photos into the photo store");
        }
        Ok(())
    }

    /// Moves each; the first failure is told once all were tried.
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
