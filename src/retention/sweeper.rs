//! Removes files and jobs a day after their end, and sooner when a registration of their campaign was corrected or
//! deleted since: what somebody had deleted does not live on in a list. One instance at a time.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::domain::{CampaignId, Job};
use crate::photo::{FileKey, Photos};
use crate::store::Store;

/// Between two looks.
const TICK: Duration = Duration::from_mins(1);
/// For how long whoever asked may still fetch a list in which something was wrong or is no more.
const OUTDATED: SignedDuration = SignedDuration::from_mins(10);
/// Longer than a look takes.
const LEASE: Duration = Duration::from_mins(5);
const LEASE_NAME: &str = "sweep-reports";

/// Sweeps until it is stopped.
#[derive(Debug)]
pub struct Sweeper {
    store: Store,
    photos: Photos,
    id: Uuid,
}

impl Sweeper {
    /// Sweeps these jobs and their files.
    #[must_use]
    pub fn new(store: Store, photos: Photos) -> Self {
        Self {
            store,
            photos,
            id: Uuid::new_v4(),
        }
    }

    /// Looks every minute until `stop`; a failure is logged and followed by the next look.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let sweep = Box::pin(self.look(Timestamp::now()));
            match stop.run_until_cancelled(sweep).await {
                Some(Ok(0)) | None => {}
                Some(Ok(removed)) => info!("removed {removed} reports"),
                Some(Err(error)) => warn!("reports cannot be removed now: {error:#}"),
            }
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
        // The lease ends by itself when this does not arrive.
        self.store.release(LEASE_NAME, self.id).await.ok();
    }

    async fn look(&self, now: Timestamp) -> anyhow::Result<u64> {
        if !self.store.lease(LEASE_NAME, self.id, LEASE).await? {
            return Ok(0);
        }
        self.sweep(now).await
    }

    /// Removes what is to be removed at this moment; answers how many jobs.
    ///
    /// # Errors
    /// When one of the stores does not answer; the rest is for the next time.
    pub async fn sweep(&self, now: Timestamp) -> anyhow::Result<u64> {
        let (mut from, mut removed) = (Timestamp::UNIX_EPOCH, 0);
        let mut revisions = HashMap::new();
        loop {
            let page = self.store.ended_jobs(from, now - OUTDATED).await?;
            for job in &page {
                if self.is_over(job, now, &mut revisions).await? {
                    self.remove(job).await?;
                    removed += 1;
                }
            }
            let last = page.last().and_then(|job| job.ended_at);
            match last {
                Some(last) if last > from => from = last,
                _ => return Ok(removed),
            }
        }
    }

    async fn is_over(
        &self,
        job: &Job,
        now: Timestamp,
        revisions: &mut HashMap<CampaignId, u64>,
    ) -> anyhow::Result<bool> {
        if job.kept_until().is_some_and(|until| until < now) {
            return Ok(true);
        }
        let Some(basis) = job.basis.filter(|_| job.file().is_some()) else {
            return Ok(false);
        };
        let campaign = &job.wanted.campaign;
        let revision = match revisions.get(campaign) {
            Some(revision) => *revision,
            None => self.store.revision(campaign).await?,
        };
        revisions.insert(campaign.clone(), revision);
        Ok(revision != basis.revision)
    }

    /// The files first: a job that is known can be removed again.
    async fn remove(&self, job: &Job) -> anyhow::Result<()> {
        for attempt in 1..=job.attempt {
            self.photos.remove_file(&FileKey::of(job, attempt)).await?;
        }
        self.store.remove_job(job.id).await?;
        Ok(())
    }
}
