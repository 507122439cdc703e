//! Removes the photos of deleted registrations for good: one process at a time, until each is known to be gone. They were
//! removed at once where that was possible; this is for the others, and for a photo that was on its way at that moment
//! (an attempt being sent again, a photo being moved) and arrived after it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::metrics::PendingMetrics;
use super::photos::{KeeperError, PhotoKeeper};
use crate::store::{Store, Unremoved};

/// Longer than a photo is on its way.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// Between two looks.
const TICK: Duration = Duration::from_secs(1);
/// Photos removed under one lease, one after the other.
const AT_ONCE: u8 = 8;
/// Longer than removing so many takes, however slow the photo store is.
const LEASE: Duration = Duration::from_mins(1);
const LEASE_NAME: &str = "remove-photos";

/// Removes photos until it is stopped.
#[derive(Debug)]
pub struct Remover {
    keeper: PhotoKeeper,
    store: Store,
    metrics: PendingMetrics,
    grace: SignedDuration,
    id: Uuid,
}

impl Remover {
    /// Removes, through this keeper, what this store notes as still to be removed, so long after each deletion.
    #[must_use]
    pub fn new(
        keeper: PhotoKeeper,
        store: Store,
        metrics: PendingMetrics,
        grace: SignedDuration,
    ) -> Self {
        Self {
            keeper,
            store,
            metrics,
            grace,
            id: Uuid::new_v4(),
        }
    }

    /// Looks every second until `stop`; a failure is logged and followed by the next look.
    pub async fn run(self, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let looked = self.look_and_remove(Timestamp::now());
            let removed = stop.run_until_cancelled(Box::pin(looked)).await;
            if let Some(Err(error)) = &removed
                && !failing
            {
                warn!("photos of deleted registrations cannot be removed: {error:#}");
            }
            failing = matches!(removed, Some(Err(_)));
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
        // The lease ends by itself when this does not arrive.
        self.store.release(LEASE_NAME, self.id).await.ok();
    }

    async fn look_and_remove(&self, now: Timestamp) -> anyhow::Result<()> {
        let waiting = self.store.count_unremoved().await?;
        self.metrics.unremoved(waiting);
        if waiting == 0 || !self.keeper.is_back().await {
            return Ok(());
        }
        if !self.store.lease(LEASE_NAME, self.id, LEASE).await? {
            return Ok(());
        }
        let (mut removed, mut failed) = (0, None);
        for unremoved in self.store.unremoved(now - self.grace, AT_ONCE).await? {
            match self.remove(&unremoved).await {
                Ok(gone) => removed += u32::from(gone),
                Err(error) => failed = Some(error),
            }
        }
        self.store.release(LEASE_NAME, self.id).await?;
        if removed > 0 {
            info!("removed {removed} photos of deleted registrations for good");
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Whether it is gone.
    async fn remove(&self, unremoved: &Unremoved) -> Result<bool, KeeperError> {
        let Unremoved {
            campaign,
            id,
            photo,
            ..
        } = unremoved;
        let gone = self.keeper.remove(campaign, *id, photo).await?;
        if gone {
            self.store.note_removed(*id).await?;
        }
        Ok(gone)
    }
}
