//! Background jobs that write reports. A worker claims a job under an attempt number and sends heartbeats (store
//! clock). Without them the job is queued again; updates under the old number are rejected.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, dispatch};
use jornada_domain::job::{ReportFile, ReportRequest, SourceVersion};
use jornada_domain::{CampaignId, Job};

/// Maximum number of jobs in a list.
pub const MAX_JOBS: u32 = 200;

/// Failed attempts after which a job has failed.
pub const MAX_FAILED_ATTEMPTS: u32 = 3;

/// A worker's lease on a job. It covers one attempt and no later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLease {
    /// Job.
    pub job: Uuid,
    /// Attempt number.
    pub attempt: u32,
}

impl JobLease {
    /// Returns the lease of the worker that has just claimed `job`.
    #[must_use]
    pub fn from_job(job: &Job) -> Self {
        Self {
            job: job.id,
            attempt: job.attempt,
        }
    }
}

/// Outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// The file is in the object store.
    Done {
        /// Size and digest of the file.
        file: ReportFile,
        /// Rows in the file.
        rows: u64,
        /// Version of the data in the file.
        source_version: SourceVersion,
    },
    /// Failed: the job is queued again, or has failed for good after [`MAX_FAILED_ATTEMPTS`] attempts.
    Failed,
    /// The instance stops: the job is queued again at once, and no failure is counted.
    Released,
}

impl Store {
    /// Inserts a job. Idempotent.
    pub async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        dispatch!("add_job", self.add_job(job))
    }

    /// Returns a job.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        dispatch!("job", self.read_job(id))
    }

    /// Returns the latest [`MAX_JOBS`] jobs of a campaign with this requester, newest first.
    pub async fn jobs_requested_by(
        &self,
        campaign: &CampaignId,
        requester: &str,
    ) -> Result<Vec<Job>, StoreError> {
        dispatch!("jobs_of", self.jobs_requested_by(campaign, requester))
    }

    /// Returns the latest finished job for an equal request of any requester.
    pub async fn find_finished_job(
        &self,
        request: &ReportRequest,
    ) -> Result<Option<Job>, StoreError> {
        dispatch!("done_job", self.find_finished_job(request))
    }

    /// Adds a requester to a finished job. Returns false if there is none. Idempotent.
    pub async fn add_requester(&self, id: Uuid, requester: &str) -> Result<bool, StoreError> {
        dispatch!("share_job", self.add_requester(id, requester))
    }

    /// Claims the job that was queued first. If the outcome is unknown, a claimed job is queued again for lack of
    /// heartbeats.
    pub async fn claim_next_job(&self) -> Result<Option<Job>, StoreError> {
        dispatch!("begin_job", self.claim_next_job())
    }

    /// Fails attempts without a heartbeat for this long: each job is queued again, or has failed for good after
    /// [`MAX_FAILED_ATTEMPTS`] attempts.
    pub async fn requeue_stalled_jobs(
        &self,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        dispatch!("lose_silent_jobs", self.requeue_stalled_jobs(timeout, now))
    }

    /// Records a heartbeat and the progress. Returns false if the lease is lost: the job was cancelled or claimed
    /// again.
    pub async fn heartbeat(
        &self,
        lease: JobLease,
        rows: u64,
        source_version: Option<SourceVersion>,
    ) -> Result<bool, StoreError> {
        dispatch!("note_job", self.heartbeat(lease, rows, source_version))
    }

    /// Ends an attempt. Returns false if the lease is lost.
    pub async fn finish_job(
        &self,
        lease: JobLease,
        outcome: JobOutcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        dispatch!("end_job", self.finish_job(lease, outcome, now))
    }

    /// Cancels a queued or running job. Returns false if there is none.
    pub async fn cancel_job(&self, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        dispatch!("cancel_job", self.cancel_job(id, now))
    }

    /// Returns up to [`MAX_JOBS`] jobs that ended at `from` or later and before `before`, earliest first.
    pub async fn ended_jobs(
        &self,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Job>, StoreError> {
        dispatch!("ended_jobs", self.ended_jobs(from, before))
    }

    /// Deletes a job. Idempotent.
    pub async fn remove_job(&self, id: Uuid) -> Result<(), StoreError> {
        dispatch!("remove_job", self.remove_job(id))
    }
}
