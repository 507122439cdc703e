//! Deletes orphaned report files: their job is unknown after a database was restored.

use jiff::{SignedDuration, Timestamp};

use super::{ITEMS_PER_LEASE, Sweep, SweepReport};
use jornada_objects::ObjectKey;

/// Minimum age: a job is deleted a day after its end, and ends soon after its file was put.
const MIN_AGE: SignedDuration = SignedDuration::from_hours(25);

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
            let is_old = now.duration_since(put_at) > MIN_AGE;
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
}
