//! Background jobs that write reports. A worker claims a job under an attempt number and sends heartbeats (store
//! clock). Without them the job is queued again; updates under the old number are rejected.

mod record;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::error::Result;
use super::handle::Store;
use super::records::{Condition, FieldChange, Query, ReadMode, Value};
use super::time_limit::to_ms;
use jornada_domain::job::{ReportFile, ReportRequest, SourceVersion};
use jornada_domain::{CampaignId, ReportJob};

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
    pub fn from_job(job: &ReportJob) -> Self {
        Self {
            job: job.id,
            attempt: job.attempt,
        }
    }

    /// Matches a job whose lease is valid: it has not ended and was not claimed again.
    fn is_valid(self) -> Vec<Condition> {
        vec![
            Condition::is("id", self.job),
            Condition::is("attempt", self.attempt),
            Condition::is("state", "running"),
        ]
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
    pub async fn add_job(&self, job: &ReportJob) -> Result<()> {
        self.time("add_job", self.insert_record(job))
            .await
            .map(drop)
    }

    /// Returns a job.
    pub async fn job(&self, id: Uuid) -> Result<Option<ReportJob>> {
        let query = Query::new([Condition::is("id", id)]).read(ReadMode::Primary);
        self.time("job", self.find_record(query)).await
    }

    /// Returns the latest [`MAX_JOBS`] jobs of a campaign with this requester, newest first.
    pub async fn jobs_requested_by(
        &self,
        campaign: &CampaignId,
        requester: &str,
    ) -> Result<Vec<ReportJob>> {
        let theirs = [
            Condition::contains("askers", requester),
            Condition::is("campaign", campaign.as_str()),
        ];
        let order = &[("made_at", -1), ("id", 1)];
        let query = Query::new(theirs).sort(order).limit(MAX_JOBS);
        self.time("jobs_of", self.find_records(query)).await
    }

    /// Returns the latest finished job for an equal request of any requester.
    pub async fn find_finished_job(&self, request: &ReportRequest) -> Result<Option<ReportJob>> {
        let equal = [
            Condition::is("state", "done"),
            Condition::is("wanted", record::to_json(request)),
        ];
        let query = Query::new(equal).sort(&[("ended_at", -1)]);
        self.time("done_job", self.find_record(query)).await
    }

    /// Adds a requester to a finished job. Returns false if there is none. Idempotent.
    pub async fn add_requester(&self, id: Uuid, requester: &str) -> Result<bool> {
        let finished = [Condition::is("id", id), Condition::is("state", "done")];
        let include = [FieldChange::Include("askers", requester.to_owned())];
        let add = self.update_records::<ReportJob>(finished, include);
        Ok(self.time("share_job", add).await? > 0)
    }

    /// Claims the job that was queued first. If the outcome is unknown, a claimed job is queued again for lack of
    /// heartbeats.
    pub async fn claim_next_job(&self) -> Result<Option<ReportJob>> {
        let changes = [
            FieldChange::set("state", "running"),
            FieldChange::Increment("attempt"),
            FieldChange::set("rows", 0_u64),
            FieldChange::SetNow("noted_at"),
            FieldChange::set("basis_rows", Value::Null),
            FieldChange::set("basis_revision", Value::Null),
        ];
        let queued = [Condition::is("state", "waiting")];
        let claim = self.update_first_record(queued, &[("made_at", 1), ("id", 1)], changes);
        self.time("begin_job", claim).await
    }

    /// Fails attempts without a heartbeat for this long: each job is queued again, or has failed for good after
    /// [`MAX_FAILED_ATTEMPTS`] attempts.
    pub async fn requeue_stalled_jobs(&self, timeout: Duration, now: Timestamp) -> Result<()> {
        let stalled = vec![
            Condition::is("state", "running"),
            Condition::older_than("noted_at", to_ms(timeout)),
        ];
        let requeue = async {
            // Nearly always nothing has stalled, and a read costs no commit.
            let any = self
                .find_record::<ReportJob>(Query::new(stalled.clone()))
                .await?;
            match any {
                None => Ok(0),
                Some(_) => self.fail_attempts(stalled, now).await,
            }
        };
        self.time("lose_silent_jobs", requeue).await.map(drop)
    }

    /// Records a heartbeat and the progress. Returns false if the lease is lost: the job was cancelled or claimed
    /// again.
    pub async fn heartbeat(
        &self,
        lease: JobLease,
        rows: u64,
        source_version: Option<SourceVersion>,
    ) -> Result<bool> {
        let mut changes = vec![
            FieldChange::SetNow("noted_at"),
            FieldChange::set("rows", rows),
        ];
        changes.extend(source_version.into_iter().flat_map(set_source_version));
        let update = self.update_records::<ReportJob>(lease.is_valid(), changes);
        Ok(self.time("note_job", update).await? > 0)
    }

    /// Ends an attempt. Returns false if the lease is lost.
    pub async fn finish_job(
        &self,
        lease: JobLease,
        outcome: JobOutcome,
        now: Timestamp,
    ) -> Result<bool> {
        let changes = match outcome {
            JobOutcome::Failed => {
                let fail = self.fail_attempts(lease.is_valid(), now);
                return Ok(self.time("end_job", fail).await? > 0);
            }
            JobOutcome::Released => vec![FieldChange::set("state", "waiting")],
            JobOutcome::Done {
                file,
                rows,
                source_version,
            } => {
                let mut changes = vec![
                    FieldChange::set("state", "done"),
                    FieldChange::set("ended_at", now),
                    FieldChange::set("rows", rows),
                    FieldChange::set("file_bytes", file.bytes),
                    FieldChange::set("file_sha256", file.sha256),
                ];
                changes.extend(set_source_version(source_version));
                changes
            }
        };
        let finish = self.update_records::<ReportJob>(lease.is_valid(), changes);
        Ok(self.time("end_job", finish).await? > 0)
    }

    /// Fails attempts: a job is queued again, or has failed for good after the last one. Returns the number of jobs.
    async fn fail_attempts(&self, mut attempts: Vec<Condition>, now: Timestamp) -> Result<u64> {
        let last = MAX_FAILED_ATTEMPTS - 1;
        let requeue = [
            FieldChange::Increment("lost"),
            FieldChange::set("state", "waiting"),
        ];
        let fail = [
            FieldChange::Increment("lost"),
            FieldChange::set("state", "failed"),
            FieldChange::set("ended_at", now),
        ];
        attempts.push(Condition::at_least("lost", last));
        let failed = self
            .update_records::<ReportJob>(attempts.clone(), fail)
            .await?;
        attempts.pop();
        attempts.push(Condition::below("lost", last));
        Ok(failed + self.update_records::<ReportJob>(attempts, requeue).await?)
    }

    /// Cancels a queued or running job. Returns false if there is none.
    pub async fn cancel_job(&self, id: Uuid, now: Timestamp) -> Result<bool> {
        // Only a queued or running job has not ended.
        let live = [
            Condition::is("id", id),
            Condition::is("ended_at", Value::Null),
        ];
        let changes = [
            FieldChange::set("state", "cancelled"),
            FieldChange::set("ended_at", now),
        ];
        let cancel = self.update_records::<ReportJob>(live, changes);
        Ok(self.time("cancel_job", cancel).await? > 0)
    }

    /// Returns up to [`MAX_JOBS`] jobs that ended at `from` or later and before `before`, earliest first.
    pub async fn ended_jobs(&self, from: Timestamp, before: Timestamp) -> Result<Vec<ReportJob>> {
        let ended = [
            Condition::at_least("ended_at", from),
            Condition::below("ended_at", before),
        ];
        let query = Query::new(ended).sort(&[("ended_at", 1)]).limit(MAX_JOBS);
        self.time("ended_jobs", self.find_records(query)).await
    }

    /// Deletes a job. Idempotent.
    pub async fn remove_job(&self, id: Uuid) -> Result<()> {
        let delete = self.delete_records::<ReportJob>([Condition::is("id", id)]);
        self.time("remove_job", delete).await.map(drop)
    }
}

fn set_source_version(version: SourceVersion) -> [FieldChange; 2] {
    [
        FieldChange::set("basis_rows", version.rows),
        FieldChange::set("basis_revision", version.revision),
    ]
}
