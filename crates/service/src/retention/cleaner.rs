//! Deletes report files and jobs a day after their end, or ten minutes if a registration of the campaign was corrected
//! or deleted since: reports must not preserve deleted data. Runs on one instance at a time (lease).

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::info;

use jornada_domain::{CampaignId, ReportJob};
use jornada_objects::{ObjectKey, ObjectStore};
use jornada_runtime::background;
use jornada_store::{Lease, Store};

/// Polling interval.
const POLL_INTERVAL: Duration = Duration::from_mins(1);
/// Minimum time after its end that an outdated report can be downloaded.
const OUTDATED_RETENTION: SignedDuration = SignedDuration::from_mins(10);
/// Lease length; longer than one pass takes.
const LEASE: Duration = Duration::from_mins(5);
const LEASE_NAME: &str = "sweep-reports";

/// Deletes expired and outdated reports until stopped.
#[derive(Debug)]
pub struct ReportCleaner {
    store: Store,
    objects: ObjectStore,
    lease: Lease,
}

impl ReportCleaner {
    /// Creates a cleaner for the jobs in `store` and their files.
    pub fn new(store: Store, objects: ObjectStore) -> Self {
        Self {
            lease: Lease::new(&store, LEASE_NAME, LEASE),
            store,
            objects,
        }
    }

    /// Polls every minute until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut polling = background::every(POLL_INTERVAL, &stop);
        while polling
            .attempt(
                "cannot delete reports",
                self.clean_if_leader(Timestamp::now()),
            )
            .await
        {}
        // If this fails, the lease expires by itself.
        self.lease.release().await.ok();
    }

    async fn clean_if_leader(&self, now: Timestamp) -> anyhow::Result<()> {
        match self.lease.hold(self.delete_expired(now)).await? {
            Some(0) | None => {}
            Some(removed) => info!("deleted {removed} reports"),
        }
        Ok(())
    }

    /// Deletes jobs that are expired or outdated at `now`; returns how many.
    pub async fn delete_expired(&self, now: Timestamp) -> anyhow::Result<u64> {
        let (mut from, mut removed) = (Timestamp::UNIX_EPOCH, 0);
        let mut revisions = HashMap::new();
        loop {
            let page = self
                .store
                .ended_jobs(from, now - OUTDATED_RETENTION)
                .await?;
            for job in &page {
                if self.is_expired(job, now, &mut revisions).await? {
                    self.delete_job(job).await?;
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

    async fn is_expired(
        &self,
        job: &ReportJob,
        now: Timestamp,
        revisions: &mut HashMap<CampaignId, u64>,
    ) -> anyhow::Result<bool> {
        if job.expires_at().is_some_and(|until| until < now) {
            return Ok(true);
        }
        let Some(basis) = job.source_version.filter(|_| job.file().is_some()) else {
            return Ok(false);
        };
        let campaign = &job.request.campaign;
        let revision = match revisions.get(campaign) {
            Some(revision) => *revision,
            None => self.store.revision(campaign).await?,
        };
        revisions.insert(campaign.clone(), revision);
        Ok(revision != basis.revision)
    }

    /// Deletes the files before the job, so that a failure can be retried.
    async fn delete_job(&self, job: &ReportJob) -> anyhow::Result<()> {
        for attempt in 1..=job.attempt {
            self.objects
                .remove(&ObjectKey::for_job(job, attempt))
                .await?;
        }
        self.store.remove_job(job.id).await?;
        Ok(())
    }
}
