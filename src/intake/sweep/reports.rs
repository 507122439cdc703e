//! Deletes orphaned report files: their job is unknown after a database was restored.

use jiff::{SignedDuration, Timestamp};

use super::{LEASE_EVERY, Sweep, Swept};

/// Minimum age: a job is deleted a day after its end, and ends soon after its file was put.
const AGE: SignedDuration = SignedDuration::from_hours(25);

impl Sweep {
    /// Deletes orphaned report files.
    pub(super) async fn reports(&self, swept: &mut Swept, now: Timestamp) -> anyhow::Result<()> {
        let (mut files, listing) = self.photos.list_files();
        let mut looked = 0_usize;
        while let Some((key, put_at)) = files.recv().await {
            if looked.is_multiple_of(LEASE_EVERY) {
                self.go_on().await?;
            }
            looked += 1;
            let is_old = now.duration_since(put_at) > AGE;
            if is_old && self.is_ours(key.campaign()) && self.store.job(key.job()).await?.is_none()
            {
                if !self.is_dry {
                    self.photos.remove_file(&key).await?;
                }
                swept.reports += 1;
            }
        }
        listing.await??;
        Ok(())
    }
}
