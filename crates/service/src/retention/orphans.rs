//! Deletes orphaned report files, whose job is unknown after a database was restored, and orphaned photos. Those of
//! attempts that failed or were interrupted are deleted however many they are: the store explains them. A wrong or empty
//! database, or a restored backup, would make all photos look orphaned, so that keys and the number of unexplained ones
//! are checked first.

mod explanations;

use jiff::{SignedDuration, Timestamp};

use super::{ITEMS_PER_LEASE, Sweep, SweepReport};
use crate::registrations::photo_repository::photo_key;
use explanations::Explanations;
use jornada_objects::{ObjectKey, PutId};

/// Minimum age of a report file: a job is deleted a day after its end, and ends soon after its file was put.
const MIN_REPORT_AGE: SignedDuration = SignedDuration::from_hours(25);
/// Minimum age; younger photos may belong to an attempt that still succeeds.
const MIN_AGE: SignedDuration = SignedDuration::from_hours(24);
/// Maximum photos per sweep, of each kind; bounds the keys in memory. The next sweep continues.
const MAX_ORPHANS: usize = 100_000;
/// Number of unexplained orphans that is plausible whatever the number of photos.
const PLAUSIBLE_ORPHANS: u64 = 20;
/// One unexplained orphan in this number of photos is plausible, too.
const PLAUSIBLE_ONE_IN: u64 = 20;
/// Retention of explanations after their process wrote them. Longer than the object store may be unavailable: buffered
/// photos become orphans only after they were uploaded.
const EXPLANATION_RETENTION: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Result of a scan of all photos.
#[derive(Default)]
struct OrphanScan {
    scanned: u64,
    foreign: u64,
    unexplained: u64,
    /// The first unexplained orphans.
    unexplained_keys: Vec<ObjectKey>,
    explanations: Explanations,
    /// The first orphans that may be explained.
    explainable: Vec<(ObjectKey, PutId)>,
}

impl OrphanScan {
    fn add(&mut self, key: ObjectKey, put: Option<PutId>) {
        match put {
            Some(put) if self.explanations.observe(put) && self.explainable.len() < MAX_ORPHANS => {
                self.explainable.push((key, put));
            }
            _ => self.add_unexplained(key),
        }
    }

    fn add_unexplained(&mut self, key: ObjectKey) {
        self.unexplained += 1;
        if self.unexplained_keys.len() < MAX_ORPHANS {
            self.unexplained_keys.push(key);
        }
    }

    /// Returns the explained orphans. The rest of those that might be is unexplained.
    fn take_explained(&mut self) -> Vec<ObjectKey> {
        let mut explained = Vec::new();
        for (key, put) in std::mem::take(&mut self.explainable) {
            if self.explanations.explain(put) {
                explained.push(key);
            } else {
                self.add_unexplained(key);
            }
        }
        explained
    }

    fn has_too_many(&self) -> bool {
        let unexplained = self.unexplained;
        unexplained > PLAUSIBLE_ORPHANS && unexplained > self.scanned / PLAUSIBLE_ONE_IN
    }
}

impl Sweep {
    /// Deletes orphaned report files.
    pub(super) async fn delete_orphaned_reports(
        &self,
        report: &mut SweepReport,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let (mut files, listing) = self.objects.list(ObjectKey::REPORTS);
        let mut processed = 0_usize;
        while let Some((key, put_at)) = files.recv().await {
            if processed.is_multiple_of(ITEMS_PER_LEASE) {
                self.renew_lease().await?;
            }
            processed += 1;
            let ObjectKey::Report { campaign, job, .. } = &key else {
                continue;
            };
            let is_old = now.duration_since(put_at) > MIN_REPORT_AGE;
            if is_old && self.is_own_campaign(campaign) && self.store.job(*job).await?.is_none() {
                if !self.is_dry_run {
                    self.objects.remove(&key).await?;
                }
                report.reports += 1;
            }
        }
        listing.await??;
        Ok(())
    }

    /// Deletes orphaned photos: explained ones, and the others if a scan shows that their number is plausible.
    pub(super) async fn delete_orphans(
        &self,
        report: &mut SweepReport,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let mut found = self.find_orphans(now).await?;
        let explained = found.take_explained();
        report.foreign = found.foreign;
        let is_held = found.has_too_many() && !self.deletes_all_orphans;
        if is_held {
            report.held = found.unexplained;
            found.unexplained_keys.clear();
        }
        if self.is_dry_run {
            report.unresolved = explained.len() as u64;
            let others = if is_held { 0 } else { found.unexplained };
            report.orphans = report.unresolved + others;
            return Ok(());
        }
        let metrics = &self.photos.metrics;
        for page in explained.chunks(ITEMS_PER_LEASE) {
            let deleted = self.delete_orphaned_page(page).await?;
            metrics.deleted_unresolved.inc_by(deleted);
            report.unresolved += deleted;
            report.orphans += deleted;
        }
        for page in found.unexplained_keys.chunks(ITEMS_PER_LEASE) {
            let deleted = self.delete_orphaned_page(page).await?;
            metrics.deleted_unexplained.inc_by(deleted);
            report.orphans += deleted;
        }
        self.objects.remove_unfinished(now - MIN_AGE).await?;
        let expired = now - EXPLANATION_RETENTION;
        self.store.delete_expired_unresolved_photos(expired).await?;
        Ok(())
    }

    /// Deletes orphans under one renewal of the lease; returns how many.
    async fn delete_orphaned_page(&self, page: &[ObjectKey]) -> anyhow::Result<u64> {
        self.renew_lease().await?;
        let mut deleted = 0;
        for key in page {
            // A scan may take long, and the store may have failed over since.
            if !self.is_referenced(key).await? {
                self.objects.remove(key).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Scans all photos. Keys are streamed, so that memory stays bounded.
    async fn find_orphans(&self, now: Timestamp) -> anyhow::Result<OrphanScan> {
        let keys = self.photos.key_ring.stored_keys().await?;
        let mut found = OrphanScan {
            explanations: Explanations::new(self.store.unresolved_photos().await?),
            ..OrphanScan::default()
        };
        let (mut objects, listing) = self.objects.list(ObjectKey::ALL);
        let mut listed = 0_usize;
        while let Some((key, put_at)) = objects.recv().await {
            if listed.is_multiple_of(ITEMS_PER_LEASE) {
                self.renew_lease().await?;
            }
            listed += 1;
            let is_photo = matches!(key, ObjectKey::Photo { .. });
            if !is_photo || !self.is_own_campaign(key.campaign()) {
                continue;
            }
            found.scanned += 1;
            let is_old = now.duration_since(put_at) > MIN_AGE;
            if !is_old || self.is_referenced(&key).await? {
                continue;
            }
            let put = self.objects.put_id(&keys, &key).await?;
            if put.is_none() && !self.deletes_all_orphans {
                found.foreign += 1;
                continue;
            }
            found.add(key, put);
        }
        listing.await??;
        Ok(found)
    }

    /// Returns whether a photo belongs to somebody. One that does not never will: a retry stores its photo under a key
    /// of its own.
    async fn is_referenced(&self, key: &ObjectKey) -> anyhow::Result<bool> {
        match photo_key(key) {
            Some(photo) => Ok(self.store.is_photo_referenced(photo).await?),
            None => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_few_orphans_nor_a_small_share_are_too_many() {
        for (scanned, unexplained, are_too_many) in [
            (0, 0, false),
            (20, 20, false),
            (21, 21, true),
            (420, 21, false),
            (419, 21, true),
            (1_000_000, 50_000, false),
            (1_000_000, 50_001, true),
        ] {
            let found = OrphanScan {
                scanned,
                unexplained,
                ..OrphanScan::default()
            };
            let message = format!("{unexplained} of {scanned}");
            assert_eq!(found.has_too_many(), are_too_many, "{message}");
        }
    }
}
