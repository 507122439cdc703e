//! Jobs in SQLite, by the clock of this machine, which all processes that open the file share.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Params, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::SqliteStore;
use super::account::number;
use super::row::time;
use crate::StoreError;
use crate::job::{JobLease, JobOutcome, MAX_FAILED_ATTEMPTS, MAX_JOBS};
use crate::lease::to_ms;
use jornada_domain::job::{ReportFile, ReportRequest, SourceVersion};
use jornada_domain::{CampaignId, Job, JobState};

/// Table and index of jobs.
pub(super) const TABLES: &str = "
CREATE TABLE jobs (
    id BLOB PRIMARY KEY,
    campaign TEXT NOT NULL,
    wanted TEXT NOT NULL, -- JSON
    askers TEXT NOT NULL, -- JSON: list of texts
    state TEXT NOT NULL,
    rows INTEGER NOT NULL,
    basis_rows INTEGER,
    basis_revision INTEGER,
    attempt INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    noted_at INTEGER, -- when its holder was last heard of
    made_at INTEGER NOT NULL,
    ended_at INTEGER,
    file_bytes INTEGER,
    file_sha256 BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_state ON jobs (state, made_at);
";

const COLUMNS: &str = "id, wanted, askers, state, rows, basis_rows, basis_revision, attempt, lost, made_at, ended_at, \
    file_bytes, file_sha256";

const INSERT: &str = "INSERT INTO jobs (id, campaign, wanted, askers, state, rows, attempt, lost, made_at) \
    VALUES (:id, :campaign, :wanted, :askers, 'waiting', 0, 0, 0, :made_at) ON CONFLICT DO NOTHING";

/// Matches running jobs without a heartbeat for `?1` milliseconds.
const STALLED: &str = "state = 'running' AND noted_at < unixepoch('subsec') * 1000 - ?1";

/// Matches a job whose lease is valid: it has not ended and was not claimed again.
const LEASED: &str = "id = ?1 AND attempt = ?2 AND state = 'running'";

impl SqliteStore {
    pub(crate) async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        let (job, wanted) = (job.clone(), to_json(&job.request)?);
        let askers = to_json(&job.requesters)?;
        self.change(INSERT, move |sql, connection| {
            connection.prepare_cached(sql)?.execute(named_params! {
                ":id": job.id.as_bytes(),
                ":campaign": job.request.campaign.as_str(),
                ":wanted": wanted,
                ":askers": askers,
                ":made_at": job.created_at.as_millisecond(),
            })
        })
        .await
        .map(drop)
    }

    pub(crate) async fn read_job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let mut found = self.jobs_where("id = ?1", [id.into_bytes()]).await?;
        Ok(found.pop())
    }

    pub(crate) async fn jobs_requested_by(
        &self,
        campaign: &CampaignId,
        requester: &str,
    ) -> Result<Vec<Job>, StoreError> {
        let theirs = "campaign = ?1 AND EXISTS (SELECT 1 FROM json_each(askers) WHERE value = ?2) \
                     ORDER BY made_at DESC, id";
        let of = (campaign.as_str().to_owned(), requester.to_owned());
        self.jobs_where(theirs, of).await
    }

    pub(crate) async fn find_finished_job(
        &self,
        request: &ReportRequest,
    ) -> Result<Option<Job>, StoreError> {
        let same = "state = 'done' AND wanted = ?1 ORDER BY ended_at";
        let mut found = self.jobs_where(same, [to_json(request)?]).await?;
        Ok(found.pop())
    }

    pub(crate) async fn add_requester(
        &self,
        id: Uuid,
        requester: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE jobs SET askers = CASE \
                   WHEN EXISTS (SELECT 1 FROM json_each(askers) WHERE value = ?2) THEN askers \
                   ELSE json_insert(askers, '$[#]', ?2) END \
                   WHERE id = ?1 AND state = 'done'";
        let asker = requester.to_owned();
        self.change(sql, move |sql, connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute((id.as_bytes(), &asker))
        })
        .await
    }

    pub(crate) async fn claim_next_job(&self) -> Result<Option<Job>, StoreError> {
        // Nearly always nothing is queued, and a read costs no commit.
        if self.jobs_where("state = 'waiting'", ()).await?.is_empty() {
            return Ok(None);
        }
        self.writer.write(claim_next).await
    }

    pub(crate) async fn requeue_stalled_jobs(
        &self,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let silence = to_ms(timeout);
        if self.jobs_where(STALLED, [silence]).await?.is_empty() {
            return Ok(());
        }
        let lose = move |connection: &Connection| {
            let sql = format!(
                "UPDATE jobs SET {} WHERE {STALLED}",
                failure_assignments("?2")
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.execute((silence, now.as_millisecond()))?;
            Ok(())
        };
        self.writer.write(lose).await
    }

    pub(crate) async fn heartbeat(
        &self,
        lease: JobLease,
        rows: u64,
        source_version: Option<SourceVersion>,
    ) -> Result<bool, StoreError> {
        let (id, attempt) = (lease.job.into_bytes(), lease.attempt);
        let basis = source_version.map(|basis| (number(basis.rows), number(basis.revision)));
        let (counted, revision) = basis.unzip();
        let sql = "UPDATE jobs SET noted_at = unixepoch('subsec') * 1000, rows = ?3, basis_rows = ?4, \
                   basis_revision = ?5 WHERE ";
        self.change(sql, move |sql, connection| {
            let mut statement = connection.prepare_cached(&[sql, LEASED].concat())?;
            statement.execute((id, attempt, number(rows), counted, revision))
        })
        .await
    }

    pub(crate) async fn finish_job(
        &self,
        lease: JobLease,
        outcome: JobOutcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let end = move |connection: &Connection| Ok(finish(connection, lease, outcome, now)? > 0);
        self.writer.write(end).await
    }

    pub(crate) async fn cancel_job(&self, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE jobs SET state = 'cancelled', ended_at = ?2 \
                   WHERE id = ?1 AND state IN ('waiting', 'running')";
        self.change(sql, move |sql, connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute((id.as_bytes(), now.as_millisecond()))
        })
        .await
    }

    pub(crate) async fn ended_jobs(
        &self,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<Job>, StoreError> {
        let ended = "ended_at >= ?1 AND ended_at < ?2 ORDER BY ended_at";
        let between = (from.as_millisecond(), before.as_millisecond());
        self.jobs_where(ended, between).await
    }

    pub(crate) async fn remove_job(&self, id: Uuid) -> Result<(), StoreError> {
        self.change("DELETE FROM jobs WHERE id = ?1", move |sql, connection| {
            connection.prepare_cached(sql)?.execute([id.as_bytes()])
        })
        .await
        .map(drop)
    }

    /// Runs one statement. Returns whether it changed a row.
    async fn change(
        &self,
        sql: &'static str,
        run: impl Fn(&str, &Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<bool, StoreError> {
        let change = move |connection: &Connection| Ok(run(sql, connection)? > 0);
        self.writer.write(change).await
    }

    async fn jobs_where(
        &self,
        condition: &'static str,
        parameters: impl Params + Send + 'static,
    ) -> Result<Vec<Job>, StoreError> {
        let read = move |connection: &mut Connection| {
            let sql = format!("SELECT {COLUMNS} FROM jobs WHERE {condition} LIMIT {MAX_JOBS}");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(parameters, |row| Ok(job(row)))?;
            rows.map(|row| row?).collect()
        };
        self.readers.read(read).await
    }
}

fn claim_next(connection: &Connection) -> Result<Option<Job>, StoreError> {
    let take = format!(
        "UPDATE jobs SET state = 'running', attempt = attempt + 1, rows = 0, basis_rows = NULL, basis_revision = NULL, \
         noted_at = unixepoch('subsec') * 1000 \
         WHERE id = (SELECT id FROM jobs WHERE state = 'waiting' ORDER BY made_at, id LIMIT 1) RETURNING {COLUMNS}"
    );
    let mut take = connection.prepare_cached(&take)?;
    let begun = take.query_row((), |row| Ok(job(row)));
    begun.optional()?.transpose()
}

/// Fails an attempt at the time `now`: the job is queued again, or has failed for good after the last one.
fn failure_assignments(now: &str) -> String {
    let waits = format!("lost + 1 < {MAX_FAILED_ATTEMPTS}");
    format!(
        "lost = lost + 1, state = iif({waits}, 'waiting', 'failed'), ended_at = iif({waits}, NULL, {now})"
    )
}

fn finish(
    connection: &Connection,
    lease: JobLease,
    outcome: JobOutcome,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let (id, attempt, now) = (lease.job.into_bytes(), lease.attempt, now.as_millisecond());
    let prepare = |set: &str| {
        let sql = format!("UPDATE jobs SET {set} WHERE {LEASED}");
        connection.prepare_cached(&sql)
    };
    match outcome {
        JobOutcome::Done {
            file,
            rows,
            source_version: basis,
        } => {
            let set = "state = 'done', ended_at = ?3, rows = ?4, basis_rows = ?5, basis_revision = ?6, \
                       file_bytes = ?7, file_sha256 = ?8";
            prepare(set)?.execute((
                id,
                attempt,
                now,
                number(rows),
                number(basis.rows),
                number(basis.revision),
                number(file.bytes),
                file.sha256,
            ))
        }
        JobOutcome::Failed => prepare(&failure_assignments("?3"))?.execute((id, attempt, now)),
        JobOutcome::Released => prepare("state = 'waiting'")?.execute((id, attempt)),
    }
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::malformed("job"))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::malformed("job"))
}

/// Reads [`COLUMNS`].
fn job(row: &Row<'_>) -> Result<Job, StoreError> {
    let count = |column: usize| row.get::<_, Option<i64>>(column);
    let basis = count(5)?.zip(count(6)?);
    let file = count(11)?.zip(row.get::<_, Option<[u8; 32]>>(12)?);
    let file = file.map(|(bytes, sha256)| ReportFile {
        bytes: bytes.unsigned_abs(),
        sha256,
    });
    let state: String = row.get(3)?;
    Ok(Job {
        id: Uuid::from_bytes(row.get(0)?),
        request: from_json(&row.get::<_, String>(1)?)?,
        requesters: from_json(&row.get::<_, String>(2)?)?,
        state: JobState::parse(&state, file).ok_or_else(|| StoreError::malformed("state"))?,
        rows: row.get::<_, i64>(4)?.unsigned_abs(),
        source_version: basis.map(|(rows, revision)| SourceVersion {
            rows: rows.unsigned_abs(),
            revision: revision.unsigned_abs(),
        }),
        attempt: row.get(7)?,
        failed_attempts: row.get(8)?,
        created_at: time(row.get(9)?)?,
        ended_at: count(10)?.map(time).transpose()?,
    })
}
