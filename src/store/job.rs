//! Jobs: reports that are made in the background, whatever instance dies meanwhile. Whoever begins a job holds it by
//! the number of the attempt, and says every moment that it is still there, by the clock of the store; after a silence
//! it has lost the job, which waits for another, and what it still says of it counts no more.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, ask};
use crate::domain::job::{Basis, JobFile, Wanted};
use crate::domain::{CampaignId, Job};

/// Most jobs of one list.
pub const MAX_JOBS: u32 = 200;

/// Attempts that may be lost before a job has failed.
pub const MOST_LOST: u32 = 3;

/// Who works at a job: this attempt at it and no later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The job.
    pub job: Uuid,
    /// The attempt.
    pub attempt: u32,
}

impl Hold {
    /// The hold of whoever has just begun this job.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        Self {
            job: job.id,
            attempt: job.attempt,
        }
    }
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The file is in the object store.
    Done {
        /// The file.
        file: JobFile,
        /// Rows in it.
        rows: u64,
        /// From what it was made.
        basis: Basis,
    },
    /// It did not succeed: it is begun again, or has failed if this was the last time.
    Lost,
    /// The instance ends: another begins it again at once, and nothing was lost.
    GivenBack,
}

impl Store {
    /// Keeps a new job.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be kept.
    pub async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        ask!("add_job", self.add_job(job))
    }

    /// One job.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        ask!("job", self.job(id))
    }

    /// The latest [`MAX_JOBS`] jobs of a campaign that somebody asked for, the latest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn jobs_of(
        &self,
        campaign: &CampaignId,
        asker: &str,
    ) -> Result<Vec<Job>, StoreError> {
        ask!("jobs_of", self.jobs_of(campaign, asker))
    }

    /// The latest job that is done and was asked for in the same words, whoever asked.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn done_job(&self, wanted: &Wanted) -> Result<Option<Job>, StoreError> {
        ask!("done_job", self.done_job(wanted))
    }

    /// Notes that somebody else asked for a job that is done; false if there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn share_job(&self, id: Uuid, asker: &str) -> Result<bool, StoreError> {
        ask!("share_job", self.share_job(id, asker))
    }

    /// Begins the job that waits longest; `None` when none waits.
    ///
    /// # Errors
    /// When the store does not answer: one may have been begun, and is lost after the silence.
    pub async fn begin_job(&self) -> Result<Option<Job>, StoreError> {
        ask!("begin_job", self.begin_job())
    }

    /// Takes their jobs from holders of whom nothing was heard for so long: each waits for another, or has failed if
    /// it was lost too often.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn lose_silent_jobs(
        &self,
        silence: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        ask!("lose_silent_jobs", self.lose_silent_jobs(silence, now))
    }

    /// Says that a job is still worked at, and how far it is; false if it is no longer the holder's: it was cancelled,
    /// or begun again.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_job(
        &self,
        hold: Hold,
        rows: u64,
        basis: Option<Basis>,
    ) -> Result<bool, StoreError> {
        ask!("note_job", self.note_job(hold, rows, basis))
    }

    /// Ends an attempt; false if the job is no longer the holder's.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be ended.
    pub async fn end_job(
        &self,
        hold: Hold,
        ending: Ending,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        ask!("end_job", self.end_job(hold, ending, now))
    }

    /// Cancels a job that has not ended; false if there is none.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be cancelled.
    pub async fn cancel_job(&self, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        ask!("cancel_job", self.cancel_job(id, now))
    }

    /// Some of the jobs that ended from one moment on and before another, the earliest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ended_jobs(
        &self,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Job>, StoreError> {
        ask!("ended_jobs", self.ended_jobs(from, before))
    }

    /// Forgets a job.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remove_job(&self, id: Uuid) -> Result<(), StoreError> {
        ask!("remove_job", self.remove_job(id))
    }
}
