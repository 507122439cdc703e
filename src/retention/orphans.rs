//! Photos that belong to nobody: of attempts that came to nothing, or of a store that was restored. A store that is not the
//! one of these photos, or is empty yet, knows none of them: it must not take them all for nobody's.

use jiff::{SignedDuration, Timestamp};

use super::{LEASE_EVERY, Sweep, Swept};
use crate::photo::PhotoKey;

/// Photos of attempts that may still become registrations are younger.
const AGE: SignedDuration = SignedDuration::from_hours(24);
/// Most photos that one sweep removes, so that their keys have room; the rest is for the next.
const MOST: usize = 100_000;
/// So many are no sign of a wrong store, however few photos there are.
const FEW: u64 = 20;
/// One in so many is none either, however many photos there are.
const ONE_IN: u64 = 20;

/// What one look through all photos found.
#[derive(Default)]
struct Found {
    looked: u64,
    orphans: u64,
    foreign: u64,
    /// Of the first orphans.
    keys: Vec<PhotoKey>,
}

impl Found {
    fn are_too_many(&self) -> bool {
        self.orphans > FEW && self.orphans > self.looked / ONE_IN
    }
}

impl Sweep {
    /// Removes them, once all are known and are not too many.
    pub(super) async fn orphans(&self, swept: &mut Swept, now: Timestamp) -> anyhow::Result<()> {
        let found = self.find_orphans(now).await?;
        swept.foreign = found.foreign;
        if found.are_too_many() && !self.takes_all_orphans {
            swept.held = found.orphans;
            return Ok(());
        }
        if self.is_dry {
            swept.orphans = found.orphans;
            return Ok(());
        }
        for page in found.keys.chunks(LEASE_EVERY) {
            self.go_on().await?;
            for key in page {
                // Whoever registers meanwhile with the same photo keeps it.
                if self.is_orphan(key, now).await? {
                    self.photos.remove(key).await?;
                    swept.orphans += 1;
                }
            }
        }
        Ok(())
    }

    /// Looks through all photos; their keys come a few at a time, however many there are.
    async fn find_orphans(&self, now: Timestamp) -> anyhow::Result<Found> {
        let vault_keys = self.keeper.vault_keys().await?;
        let (mut keys, listing) = self.photos.list();
        let (mut listed, mut found) = (0_usize, Found::default());
        while let Some(key) = keys.recv().await {
            if listed.is_multiple_of(LEASE_EVERY) {
                self.go_on().await?;
            }
            listed += 1;
            if !self.is_ours(key.campaign()) {
                continue;
            }
            found.looked += 1;
            if !self.is_orphan(&key, now).await? {
                continue;
            }
            let is_sealed_here = self.photos.is_sealed_under(&vault_keys, &key).await?;
            if !is_sealed_here && !self.takes_all_orphans {
                found.foreign += 1;
                continue;
            }
            found.orphans += 1;
            if found.keys.len() < MOST {
                found.keys.push(key);
            }
        }
        listing.await??;
        Ok(found)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_few_orphans_nor_a_small_share_are_too_many() {
        for (looked, orphans, are_too_many) in [
            (0, 0, false),
            (20, 20, false),
            (21, 21, true),
            (420, 21, false),
            (419, 21, true),
            (1_000_000, 50_000, false),
            (1_000_000, 50_001, true),
        ] {
            let found = Found {
                looked,
                orphans,
                ..Found::default()
            };
            assert_eq!(found.are_too_many(), are_too_many, "{orphans} of {looked}");
        }
    }
}
