//! Jobs in MongoDB, by the clock of the server: the instances' clocks may differ.

use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result as Driven;
use mongodb::options::{ReturnDocument, UpdateModifications};
use serde::Serialize;
use uuid::Uuid;

use super::account::{bytes, count, moment, number, time};
use super::{MongoStore, binary, primary, with_timeout};
use crate::job::{JobLease, JobOutcome, MAX_FAILED_ATTEMPTS, MAX_JOBS};
use crate::lease::to_ms;
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::job::{ReportFile, ReportRequest, SourceVersion};
use jornada_domain::{CampaignId, Job, JobState};

/// Creates the indexes for queued and stalled jobs, which every instance polls each second, and for the lists of a
/// requester.
pub(super) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let by_state = IndexModel::builder()
        .keys(doc! { "state": 1, "made_at": 1 })
        .build();
    let by_asker = IndexModel::builder()
        .keys(doc! { "askers": 1, "campaign": 1, "made_at": -1 })
        .build();
    let made = store.jobs.create_indexes([by_state, by_asker]);
    made.await.map(drop)
}

impl MongoStore {
    pub(crate) async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        let document = doc! {
            "campaign": job.request.campaign.as_str(),
            "wanted": to_json(&job.request)?,
            "askers": &job.requesters,
            "state": job.state.name(),
            "rows": number(job.rows),
            "attempt": i64::from(job.attempt),
            "lost": i64::from(job.failed_attempts),
            "made_at": moment(job.created_at),
        };
        let update = doc! { "$setOnInsert": document };
        let added = self.jobs.update_one(id_filter(job.id), update).upsert(true);
        with_timeout(OPERATION_TIMEOUT, added).await.map(drop)
    }

    pub(crate) async fn read_job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let find = self.jobs.find_one(id_filter(id));
        let found = with_timeout(OPERATION_TIMEOUT, find.selection_criteria(primary())).await?;
        found.as_ref().map(job).transpose()
    }

    pub(crate) async fn jobs_requested_by(
        &self,
        campaign: &CampaignId,
        requester: &str,
    ) -> Result<Vec<Job>, StoreError> {
        let theirs = doc! { "askers": requester, "campaign": campaign.as_str() };
        self.jobs_where(theirs, doc! { "made_at": -1, "_id": 1 })
            .await
    }

    pub(crate) async fn find_finished_job(
        &self,
        request: &ReportRequest,
    ) -> Result<Option<Job>, StoreError> {
        let same = doc! { "state": "done", "wanted": to_json(request)? };
        let find = self.jobs.find_one(same).sort(doc! { "ended_at": -1 });
        let found = with_timeout(OPERATION_TIMEOUT, find).await?;
        found.as_ref().map(job).transpose()
    }

    pub(crate) async fn add_requester(
        &self,
        id: Uuid,
        requester: &str,
    ) -> Result<bool, StoreError> {
        let done = doc! { "_id": binary(id.as_bytes()), "state": "done" };
        self.change_job(done, doc! { "$addToSet": { "askers": requester } })
            .await
    }

    pub(crate) async fn claim_next_job(&self) -> Result<Option<Job>, StoreError> {
        let update = vec![
            doc! { "$set": {
                "state": "running",
                "attempt": { "$add": ["$attempt", 1_i64] },
                "rows": 0_i64,
                "noted_at": "$$NOW",
            } },
            doc! { "$unset": ["basis_rows", "basis_revision"] },
        ];
        let taking = self
            .jobs
            .find_one_and_update(doc! { "state": "waiting" }, update)
            .sort(doc! { "made_at": 1, "_id": 1 })
            .return_document(ReturnDocument::After);
        let begun = with_timeout(OPERATION_TIMEOUT, taking).await?;
        begun.as_ref().map(job).transpose()
    }

    pub(crate) async fn requeue_stalled_jobs(
        &self,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let silence = to_ms(timeout);
        let silent = doc! {
            "state": "running",
            "$expr": { "$lt": ["$noted_at", { "$subtract": ["$$NOW", silence] }] },
        };
        let losing = self.jobs.update_many(silent, failure_update(now));
        with_timeout(OPERATION_TIMEOUT, losing).await.map(drop)
    }

    pub(crate) async fn heartbeat(
        &self,
        lease: JobLease,
        rows: u64,
        source_version: Option<SourceVersion>,
    ) -> Result<bool, StoreError> {
        let mut set = doc! { "rows": number(rows) };
        if let Some(basis) = source_version {
            set.insert("basis_rows", number(basis.rows));
            set.insert("basis_revision", number(basis.revision));
        }
        let note = doc! { "$set": set, "$currentDate": { "noted_at": true } };
        self.change_job(leased_filter(lease), note).await
    }

    pub(crate) async fn finish_job(
        &self,
        lease: JobLease,
        outcome: JobOutcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match outcome {
            JobOutcome::Done {
                file,
                rows,
                source_version: basis,
            } => {
                let done = doc! { "$set": {
                    "state": "done",
                    "ended_at": moment(now),
                    "rows": number(rows),
                    "basis_rows": number(basis.rows),
                    "basis_revision": number(basis.revision),
                    "file_bytes": number(file.bytes),
                    "file_sha256": binary(&file.sha256),
                } };
                self.change_job(leased_filter(lease), done).await
            }
            JobOutcome::Failed => {
                self.change_job(leased_filter(lease), failure_update(now))
                    .await
            }
            JobOutcome::Released => {
                let back = doc! { "$set": { "state": "waiting" } };
                self.change_job(leased_filter(lease), back).await
            }
        }
    }

    pub(crate) async fn cancel_job(&self, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        let live = doc! {
            "_id": binary(id.as_bytes()),
            "state": { "$in": ["waiting", "running"] },
        };
        let cancel = doc! { "$set": { "state": "cancelled", "ended_at": moment(now) } };
        self.change_job(live, cancel).await
    }

    pub(crate) async fn ended_jobs(
        &self,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Job>, StoreError> {
        let ended = doc! { "ended_at": { "$gte": moment(from), "$lt": moment(before) } };
        self.jobs_where(ended, doc! { "ended_at": 1 }).await
    }

    pub(crate) async fn remove_job(&self, id: Uuid) -> Result<(), StoreError> {
        with_timeout(OPERATION_TIMEOUT, self.jobs.delete_one(id_filter(id)))
            .await
            .map(drop)
    }

    /// Updates one job. Returns whether the filter matched.
    async fn change_job(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
    ) -> Result<bool, StoreError> {
        let changed = with_timeout(OPERATION_TIMEOUT, self.jobs.update_one(filter, update)).await?;
        Ok(changed.matched_count > 0)
    }

    async fn jobs_where(&self, filter: Document, order: Document) -> Result<Vec<Job>, StoreError> {
        let find = self.jobs.find(filter).sort(order).limit(MAX_JOBS.into());
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found.iter().map(job).collect()
    }
}

fn id_filter(id: Uuid) -> Document {
    doc! { "_id": binary(id.as_bytes()) }
}

/// Matches a job whose lease is valid: it has not ended and was not claimed again.
fn leased_filter(lease: JobLease) -> Document {
    doc! {
        "_id": binary(lease.job.as_bytes()),
        "attempt": i64::from(lease.attempt),
        "state": "running",
    }
}

/// Fails an attempt: the job is queued again, or has failed for good after the last one.
fn failure_update(now: Timestamp) -> Vec<Document> {
    let is_last = doc! { "$gte": ["$lost", i64::from(MAX_FAILED_ATTEMPTS) - 1] };
    vec![doc! { "$set": {
        "lost": { "$add": ["$lost", 1_i64] },
        "state": { "$cond": [&is_last, "failed", "waiting"] },
        "ended_at": { "$cond": [&is_last, moment(now), "$$REMOVE"] },
    } }]
}

fn to_json(wanted: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(wanted).map_err(|_| StoreError::malformed("request"))
}

fn job(document: &Document) -> Result<Job, StoreError> {
    let malformed = StoreError::malformed;
    let small = |name| u32::try_from(count(document, name)?).map_err(|_| malformed(name));
    let wanted = document.get_str("wanted").ok();
    let wanted = wanted.and_then(|wanted| serde_json::from_str::<ReportRequest>(wanted).ok());
    let text = |asker: &Bson| asker.as_str().map(str::to_owned);
    let askers = document.get_array("askers").ok();
    let askers = askers.and_then(|askers| askers.iter().map(text).collect());
    let basis = document.contains_key("basis_rows").then(|| {
        Ok::<_, StoreError>(SourceVersion {
            rows: count(document, "basis_rows")?,
            revision: count(document, "basis_revision")?,
        })
    });
    let file = bytes(document, "file_sha256")?.map(|sha256| {
        let bytes = count(document, "file_bytes")?;
        Ok::<_, StoreError>(ReportFile { bytes, sha256 })
    });
    let state = document.get_str("state").unwrap_or_default();
    let state = JobState::parse(state, file.transpose()?);
    Ok(Job {
        id: Uuid::from_bytes(bytes(document, "_id")?.ok_or_else(|| malformed("_id"))?),
        request: wanted.ok_or_else(|| malformed("wanted"))?,
        requesters: askers.ok_or_else(|| malformed("askers"))?,
        state: state.ok_or_else(|| malformed("state"))?,
        rows: count(document, "rows")?,
        source_version: basis.transpose()?,
        attempt: small("attempt")?,
        failed_attempts: small("lost")?,
        created_at: time(document, "made_at")?.ok_or_else(|| malformed("made_at"))?,
        ended_at: time(document, "ended_at")?,
    })
}
