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
use super::{MongoStore, binary, bounded, primary};
use crate::domain::job::{Basis, JobFile, Wanted};
use crate::domain::{CampaignId, Job, JobState};
use crate::store::job::{Ending, Hold, MAX_JOBS, MOST_LOST};
use crate::store::lease::milliseconds;
use crate::store::{StoreError, WAIT};

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
    pub(in crate::store) async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        let document = doc! {
            "campaign": job.wanted.campaign.as_str(),
            "wanted": as_text(&job.wanted)?,
            "askers": &job.askers,
            "state": job.state.name(),
            "rows": number(job.rows),
            "attempt": i64::from(job.attempt),
            "lost": i64::from(job.lost),
            "made_at": moment(job.made_at),
        };
        let update = doc! { "$setOnInsert": document };
        let added = self.jobs.update_one(named(job.id), update).upsert(true);
        bounded(WAIT, added).await.map(drop)
    }

    pub(in crate::store) async fn job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let find = self.jobs.find_one(named(id));
        let found = bounded(WAIT, find.selection_criteria(primary())).await?;
        found.as_ref().map(job).transpose()
    }

    pub(in crate::store) async fn jobs_of(
        &self,
        campaign: &CampaignId,
        asker: &str,
    ) -> Result<Vec<Job>, StoreError> {
        let theirs = doc! { "askers": asker, "campaign": campaign.as_str() };
        self.jobs_where(theirs, doc! { "made_at": -1, "_id": 1 })
            .await
    }

    pub(in crate::store) async fn done_job(
        &self,
        wanted: &Wanted,
    ) -> Result<Option<Job>, StoreError> {
        let same = doc! { "state": "done", "wanted": as_text(wanted)? };
        let find = self.jobs.find_one(same).sort(doc! { "ended_at": -1 });
        let found = bounded(WAIT, find).await?;
        found.as_ref().map(job).transpose()
    }

    pub(in crate::store) async fn share_job(
        &self,
        id: Uuid,
        asker: &str,
    ) -> Result<bool, StoreError> {
        let done = doc! { "_id": binary(id.as_bytes()), "state": "done" };
        self.change_job(done, doc! { "$addToSet": { "askers": asker } })
            .await
    }

    pub(in crate::store) async fn begin_job(&self) -> Result<Option<Job>, StoreError> {
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
        let begun = bounded(WAIT, taking).await?;
        begun.as_ref().map(job).transpose()
    }

    pub(in crate::store) async fn lose_silent_jobs(
        &self,
        silence: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let silence = milliseconds(silence);
        let silent = doc! {
            "state": "running",
            "$expr": { "$lt": ["$noted_at", { "$subtract": ["$$NOW", silence] }] },
        };
        let losing = self.jobs.update_many(silent, lost(now));
        bounded(WAIT, losing).await.map(drop)
    }

    pub(in crate::store) async fn note_job(
        &self,
        hold: Hold,
        rows: u64,
        basis: Option<Basis>,
    ) -> Result<bool, StoreError> {
        let mut set = doc! { "rows": number(rows) };
        if let Some(basis) = basis {
            set.insert("basis_rows", number(basis.rows));
            set.insert("basis_revision", number(basis.revision));
        }
        let note = doc! { "$set": set, "$currentDate": { "noted_at": true } };
        self.change_job(held(hold), note).await
    }

    pub(in crate::store) async fn end_job(
        &self,
        hold: Hold,
        ending: Ending,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match ending {
            Ending::Done { file, rows, basis } => {
                let done = doc! { "$set": {
                    "state": "done",
                    "ended_at": moment(now),
                    "rows": number(rows),
                    "basis_rows": number(basis.rows),
                    "basis_revision": number(basis.revision),
                    "file_bytes": number(file.bytes),
                    "file_sha256": binary(&file.sha256),
                } };
                self.change_job(held(hold), done).await
            }
            Ending::Lost => self.change_job(held(hold), lost(now)).await,
            Ending::GivenBack => {
                let back = doc! { "$set": { "state": "waiting" } };
                self.change_job(held(hold), back).await
            }
        }
    }

    pub(in crate::store) async fn cancel_job(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let live = doc! {
            "_id": binary(id.as_bytes()),
            "state": { "$in": ["waiting", "running"] },
        };
        let cancel = doc! { "$set": { "state": "cancelled", "ended_at": moment(now) } };
        self.change_job(live, cancel).await
    }

    pub(in crate::store) async fn ended_jobs(
        &self,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Job>, StoreError> {
        let ended = doc! { "ended_at": { "$gte": moment(from), "$lt": moment(before) } };
        self.jobs_where(ended, doc! { "ended_at": 1 }).await
    }

    pub(in crate::store) async fn remove_job(&self, id: Uuid) -> Result<(), StoreError> {
        bounded(WAIT, self.jobs.delete_one(named(id)))
            .await
            .map(drop)
    }

    /// Updates one job. Returns whether the filter matched.
    async fn change_job(
        &self,
        filter: Document,
        update: impl Into<UpdateModifications>,
    ) -> Result<bool, StoreError> {
        let changed = bounded(WAIT, self.jobs.update_one(filter, update)).await?;
        Ok(changed.matched_count > 0)
    }

    async fn jobs_where(&self, filter: Document, order: Document) -> Result<Vec<Job>, StoreError> {
        let find = self.jobs.find(filter).sort(order).limit(MAX_JOBS.into());
        let found = bounded(WAIT, async { find.await?.try_collect::<Vec<_>>().await }).await?;
        found.iter().map(job).collect()
    }
}

fn named(id: Uuid) -> Document {
    doc! { "_id": binary(id.as_bytes()) }
}

/// Matches a job whose lease is valid: it has not ended and was not claimed again.
fn held(hold: Hold) -> Document {
    doc! {
        "_id": binary(hold.job.as_bytes()),
        "attempt": i64::from(hold.attempt),
        "state": "running",
    }
}

/// Fails an attempt: the job is queued again, or has failed for good after the last one.
fn lost(now: Timestamp) -> Vec<Document> {
    let is_last = doc! { "$gte": ["$lost", i64::from(MOST_LOST) - 1] };
    vec![doc! { "$set": {
        "lost": { "$add": ["$lost", 1_i64] },
        "state": { "$cond": [&is_last, "failed", "waiting"] },
        "ended_at": { "$cond": [&is_last, moment(now), "$$REMOVE"] },
    } }]
}

fn as_text(wanted: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(wanted).map_err(|_| StoreError::malformed("request"))
}

fn job(document: &Document) -> Result<Job, StoreError> {
    let malformed = StoreError::malformed;
    let small = |name| u32::try_from(count(document, name)?).map_err(|_| malformed(name));
    let wanted = document.get_str("wanted").ok();
    let wanted = wanted.and_then(|wanted| serde_json::from_str::<Wanted>(wanted).ok());
    let text = |asker: &Bson| asker.as_str().map(str::to_owned);
    let askers = document.get_array("askers").ok();
    let askers = askers.and_then(|askers| askers.iter().map(text).collect());
    let basis = document.contains_key("basis_rows").then(|| {
        Ok::<_, StoreError>(Basis {
            rows: count(document, "basis_rows")?,
            revision: count(document, "basis_revision")?,
        })
    });
    let file = bytes(document, "file_sha256")?.map(|sha256| {
        let bytes = count(document, "file_bytes")?;
        Ok::<_, StoreError>(JobFile { bytes, sha256 })
    });
    let state = document.get_str("state").unwrap_or_default();
    let state = JobState::parse(state, file.transpose()?);
    Ok(Job {
        id: Uuid::from_bytes(bytes(document, "_id")?.ok_or_else(|| malformed("_id"))?),
        wanted: wanted.ok_or_else(|| malformed("wanted"))?,
        askers: askers.ok_or_else(|| malformed("askers"))?,
        state: state.ok_or_else(|| malformed("state"))?,
        rows: count(document, "rows")?,
        basis: basis.transpose()?,
        attempt: small("attempt")?,
        lost: small("lost")?,
        made_at: time(document, "made_at")?.ok_or_else(|| malformed("made_at"))?,
        ended_at: time(document, "ended_at")?,
    })
}
