//! Background jobs that write reports. A worker claims a job under an attempt number and sends heartbeats (store
//! clock). Without them the job is queued again; updates under the old number are rejected.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, ask};
use crate::domain::job::{Basis, JobFile, Wanted};
use crate::domain::{CampaignId, Job};

/// Maximum number of jobs in a list.
pub const MAX_JOBS: u32 = 200;

/// Failed attempts after which a job has failed.
pub const MOST_LOST: u32 = 3;

/// A worker's lease on a job. It covers one attempt and no later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Job.
    pub job: Uuid,
    /// Attempt number.
    pub attempt: u32,
}

impl Hold {
    /// Returns the lease of the worker that has just claimed `job`.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self {
            job: job.id,
            attempt: job.attempt,
        }
    }
}

/// Outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The file is in the object store.
    Done {
        /// Size and digest of the file.
        file: JobFile,
        /// Rows in the file.
        rows: u64,
        /// Version of the data in the file.
        basis: Basis,
    },
    /// Failed: the job is queued again, or has failed for good after [`MOST_LOST`] attempts.
    Lost,
    /// The instance stops: the job is queued again at once, and no failure is counted.
    GivenBack,
}

impl Store {
    /// Inserts a job. Idempotent.
    pub async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        ask!("add_job", self.add_job(job))
    }

    /// Returns a job.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        ask!("job", self.job(id))
    }

    /// Returns the latest [`MAX_JOBS`] jobs of a campaign with this requester, newest first.
    pub async fn jobs_of(
        &self,
        campaign: &CampaignId,
        asker: &str,
    ) -> Result<Vec<Job>, StoreError> {
        ask!("jobs_of", self.jobs_of(campaign, asker))
    }

    /// Returns the latest finished job for an equal request of any requester.
    pub async fn done_job(&self, wanted: &Wanted) -> Result<Option<Job>, StoreError> {
        ask!("done_job", self.done_job(wanted))
    }

    /// Adds a requester to a finished job. Returns false if there is none. Idempotent.
    pub async fn share_job(&self, id: Uuid, asker: &str) -> Result<bool, StoreError> {
        ask!("share_job", self.share_job(id, asker))
    }

    /// Claims the job that was queued first. If the outcome is unknown, a claimed job is queued again for lack of
    /// heartbeats.
    pub async fn begin_job(&self) -> Result<Option<Job>, StoreError> {
        ask!("begin_job", self.begin_job())
    }

    /// Fails attempts without a heartbeat for this long: each job is queued again, or has failed for good after
    /// [`MOST_LOST`] attempts.
    pub async fn lose_silent_jobs(
        &self,
        silence: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        ask!("lose_silent_jobs", self.lose_silent_jobs(silence, now))
    }

    /// Records a heartbeat and the progress. Returns false if the lease is lost: the job was cancelled or claimed
    /// again.
    pub async fn note_job(
        &self,
        hold: Hold,
        rows: u64,
        basis: Option<Basis>,
    ) -> Result<bool, StoreError> {
        ask!("note_job", self.note_job(hold, rows, basis))
    }

    /// Ends an attempt. Returns false if the lease is lost.
    pub async fn end_job(
        &self,
        hold: Hold,
        ending: Ending,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        ask!("end_job", self.end_job(hold, ending, now))
    }

    /// Cancels a queued or running job. Returns false if there is none.
    pub async fn cancel_job(&self, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        ask!("cancel_job", self.cancel_job(id, now))
    }

    /// Returns up to [`MAX_JOBS`] jobs that ended at `from` or later and before `before`, earliest first.
    pub async fn ended_jobs(
        &self,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Job>, StoreError> {
        ask!("ended_jobs", self.ended_jobs(from, before))
    }

    /// Deletes a job. Idempotent.
    pub async fn remove_job(&self, id: Uuid) -> Result<(), StoreError> {
        ask!("remove_job", self.remove_job(id))
    }
}
