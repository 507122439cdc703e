//! Requests a report. Reuses a finished file that is still current, whoever requested it; otherwise queues a job.

use jiff::Timestamp;
use uuid::Uuid;

use super::source_version;
use jornada_domain::ReportJob;
use jornada_domain::job::ReportRequest;
use jornada_objects::{ObjectError, ObjectKey, ObjectStore};
use jornada_store::jobs::MAX_JOBS;
use jornada_store::{Store, StoreError};

/// Maximum unfinished jobs per requester, so that none blocks the others.
const MAX_LIVE: usize = 5;

/// Result of a request.
#[derive(Clone, Debug)]
pub enum RequestOutcome {
    /// The job; may be finished already.
    Job(Box<ReportJob>),
    /// Too many unfinished jobs of this requester.
    TooManyLive,
    /// Too many stored jobs of this requester to list. Jobs are deleted a day after their end.
    TooManyStored,
}

/// Returns a job for a report: a finished one that is current, an unfinished one of this requester, or a new one.
pub async fn request_report(
    store: &Store,
    objects: &ObjectStore,
    request: ReportRequest,
    requester: &str,
    now: Timestamp,
) -> Result<RequestOutcome, StoreError> {
    if let Some(done) = find_current(store, objects, &request, now).await?
        && store.add_requester(done.id, requester).await?
    {
        return Ok(RequestOutcome::Job(done));
    }
    let known = store
        .jobs_requested_by(&request.campaign, requester)
        .await?;
    let mut live = known.iter().filter(|job| job.state.is_live());
    // A form submitted twice is one request.
    if let Some(same) = live.clone().find(|job| job.request == request) {
        return Ok(RequestOutcome::Job(Box::new(same.clone())));
    }
    if live.nth(MAX_LIVE - 1).is_some() {
        return Ok(RequestOutcome::TooManyLive);
    }
    if known.len() >= MAX_JOBS as usize {
        return Ok(RequestOutcome::TooManyStored);
    }
    let job = ReportJob::new(Uuid::new_v4(), request, requester.to_owned(), now);
    store.add_job(&job).await?;
    Ok(RequestOutcome::Job(Box::new(job)))
}

/// Finds a finished job whose file equals what a new job would produce.
async fn find_current(
    store: &Store,
    objects: &ObjectStore,
    request: &ReportRequest,
    now: Timestamp,
) -> Result<Option<Box<ReportJob>>, StoreError> {
    let Some(done) = store.find_finished_job(request).await? else {
        return Ok(None);
    };
    let basis = source_version(store, &request.campaign, &request.selection).await?;
    let Some(file) = done.file().filter(|_| done.is_current(basis, now)) else {
        return Ok(None);
    };
    let found = objects
        .get_file(&ObjectKey::for_job(&done, done.attempt), file)
        .await;
    let is_there = matches!(found, Ok(Some(_)) | Err(ObjectError::Unavailable(_)));
    Ok(is_there.then(|| Box::new(done)))
}
