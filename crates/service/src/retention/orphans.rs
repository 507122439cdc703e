//! Deletes orphaned report files, whose job is unknown after a database was restored, and orphaned photos: those of failed attempts, or newer than a restored backup. A wrong or empty database would
//! make all photos look orphaned, so that keys and numbers are checked first.

use jiff::{SignedDuration, Timestamp};

use super::{ITEMS_PER_LEASE, Sweep, SweepReport};
use jornada_objects::ObjectKey;

/// Minimum age of a report file: a job is deleted a day after its end, and ends soon after its file was put.
const MIN_REPORT_AGE: SignedDuration = SignedDuration::from_hours(25);
/// Minimum age; younger photos may belong to an attempt that still succeeds.
const MIN_AGE: SignedDuration = SignedDuration::from_hours(24);
/// Maximum photos per sweep; bounds the keys in memory. The next sweep continues.
const MAX_ORPHANS: usize = 100_000;
/// Number of orphans that is plausible whatever the number of photos.
const PLAUSIBLE_ORPHANS: u64 = 20;
/// One orphan in this number of photos is plausible, too.
const PLAUSIBLE_ONE_IN: u64 = 20;

/// Result of a scan of all photos.
#[derive(Default)]
struct OrphanScan {
    scanned: u64,
    orphans: u64,
    foreign: u64,
    /// Keys of the first orphans.
    keys: Vec<ObjectKey>,
}

impl OrphanScan {
    fn has_too_many(&self) -> bool {
        self.orphans > PLAUSIBLE_ORPHANS && self.orphans > self.scanned / PLAUSIBLE_ONE_IN
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

    /// Deletes orphaned photos, after a scan shows that their number is plausible.
    pub(super) async fn delete_orphans(
        &self,
        report: &mut SweepReport,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let found = self.find_orphans(now).await?;
        report.foreign = found.foreign;
        if found.has_too_many() && !self.deletes_all_orphans {
            report.held = found.orphans;
            return Ok(());
        }
        if self.is_dry_run {
            report.orphans = found.orphans;
            return Ok(());
        }
        for page in found.keys.chunks(ITEMS_PER_LEASE) {
            self.renew_lease().await?;
            for key in page {
                // A registration with the same photo may have arrived since the scan.
                if self.is_orphan(key, now).await? {
                    self.objects.remove(key).await?;
                    report.orphans += 1;
                }
            }
        }
        Ok(())
    }

    /// Scans all photos. Keys are streamed, so that memory stays bounded.
    async fn find_orphans(&self, now: Timestamp) -> anyhow::Result<OrphanScan> {
        let keys = self.photos.key_ring.stored_keys().await?;
        let (mut objects, listing) = self.objects.list(ObjectKey::ALL);
        let (mut listed, mut found) = (0_usize, OrphanScan::default());
        while let Some((key, _)) = objects.recv().await {
            if listed.is_multiple_of(ITEMS_PER_LEASE) {
                self.renew_lease().await?;
            }
            listed += 1;
            let is_photo = matches!(key, ObjectKey::Photo { .. });
            if !is_photo || !self.is_own_campaign(key.campaign()) {
                continue;
            }
            found.scanned += 1;
            if !self.is_orphan(&key, now).await? {
                continue;
            }
            let is_encrypted_here = self.objects.is_encrypted_under(&keys, &key).await?;
            if !is_encrypted_here && !self.deletes_all_orphans {
                found.foreign += 1;
                continue;
            }
            found.orphans += 1;
            if found.keys.len() < MAX_ORPHANS {
                found.keys.push(key);
            }
        }
        listing.await??;
        Ok(found)
    }

    /// Checks the age after the reference: a retry puts its photo before it inserts the registration.
    async fn is_orphan(&self, key: &ObjectKey, now: Timestamp) -> anyhow::Result<bool> {
        let ObjectKey::Photo { id, sha256, .. } = key else {
            return Ok(false);
        };
        if self.store.is_photo_referenced(*id, sha256).await? {
            return Ok(false);
        }
        let put_at = self.objects.head(key).await?;
        let is_old = put_at.is_some_and(|at| now.duration_since(at) > MIN_AGE);
        // A retry may have inserted the registration between the two checks.
        Ok(is_old && !self.store.is_photo_referenced(*id, sha256).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_few_orphans_nor_a_small_share_are_too_many() {
        for (scanned, orphans, are_too_many) in [
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
                orphans,
                ..OrphanScan::default()
            };
            assert_eq!(found.has_too_many(), are_too_many, "{orphans} of {scanned}");
        }
    }
}
