//! Photos that belong to nobody: of attempts that came to nothing, or of a store that was restored.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Sweep;
use crate::domain::Campaign;
use crate::photo::PhotoKey;

/// Photos of attempts that may still become registrations are younger.
const AGE: SignedDuration = SignedDuration::from_hours(24);
/// Keys between two looks at the lease.
const PAGE: u64 = 500;

impl Sweep {
    /// Removes them; answers how many. Keys come a few at a time, however many photos there are.
    pub(super) async fn orphans(&self, now: Timestamp) -> anyhow::Result<u64> {
        let (mut keys, listing) = self.photos.list();
        let (mut looked, mut orphans) = (0_u64, 0);
        while let Some(key) = keys.recv().await {
            if looked.is_multiple_of(PAGE) {
                self.go_on().await?;
            }
            looked += 1;
            let is_ours = |campaign: &Arc<Campaign>| campaign.id == *key.campaign();
            // Of another campaign, the photos may be those of another installation.
            if self.campaigns.iter().any(is_ours) && self.is_orphan(&key, now).await? {
                orphans += 1;
                if !self.is_dry {
                    self.photos.remove(&key).await?;
                }
            }
        }
        listing.await??;
        Ok(orphans)
    }

    /// The age is asked for at last: whoever sends the same photo again puts it before the store knows it.
    async fn is_orphan(&self, key: &PhotoKey, now: Timestamp) -> anyhow::Result<bool> {
        if self.store.knows_photo(key.id(), key.sha256()).await? {
            return Ok(false);
        }
        let put_at = self.photos.put_at(key).await?;
        let is_old = put_at.is_some_and(|at| now.duration_since(at) > AGE);
        // Sent again, it may have been kept between the two looks.
        Ok(is_old && !self.store.knows_photo(key.id(), key.sha256()).await?)
    }
}
