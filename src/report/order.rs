//! Requests a report. Reuses a finished file that is still current, whoever requested it; otherwise queues a job.

use jiff::Timestamp;
use uuid::Uuid;

use super::basis;
use crate::domain::Job;
use crate::domain::job::Wanted;
use crate::photo::{FileKey, Photos, PhotosError};
use crate::store::job::MAX_JOBS;
use crate::store::{Store, StoreError};

/// Maximum unfinished jobs per requester, so that none blocks the others.
const MOST_LIVE: usize = 5;

/// Result of a request.
#[derive(Clone, Debug)]
pub enum Ordered {
    /// The job; may be finished already.
    Job(Box<Job>),
    /// Too many unfinished jobs of this requester.
    TooMany,
    /// Too many stored jobs of this requester to list. Jobs are deleted a day after their end.
    TooManyKept,
}

/// Returns a job for a report: a finished one that is current, an unfinished one of this requester, or a new one.
pub async fn order(
    store: &Store,
    photos: &Photos,
    wanted: Wanted,
    asker: &str,
    now: Timestamp,
) -> Result<Ordered, StoreError> {
    if let Some(done) = current(store, photos, &wanted, now).await?
        && store.share_job(done.id, asker).await?
    {
        return Ok(Ordered::Job(done));
    }
    let known = store.jobs_of(&wanted.campaign, asker).await?;
    let mut live = known.iter().filter(|job| job.state.is_live());
    // A form submitted twice is one request.
    if let Some(same) = live.clone().find(|job| job.wanted == wanted) {
        return Ok(Ordered::Job(Box::new(same.clone())));
    }
    if live.nth(MOST_LIVE - 1).is_some() {
        return Ok(Ordered::TooMany);
    }
    if known.len() >= MAX_JOBS as usize {
        return Ok(Ordered::TooManyKept);
    }
    let job = Job::new(Uuid::new_v4(), wanted, asker.to_owned(), now);
    store.add_job(&job).await?;
    Ok(Ordered::Job(Box::new(job)))
}

/// Finds a finished job whose file equals what a new job would produce.
async fn current(
    store: &Store,
    photos: &Photos,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Option<Box<Job>>, StoreError> {
    let Some(done) = store.done_job(wanted).await? else {
        return Ok(None);
    };
    let basis = basis(store, &wanted.campaign, &wanted.selection).await?;
    let Some(file) = done.file().filter(|_| done.is_current(basis, now)) else {
        return Ok(None);
    };
    let found = photos.file(&FileKey::of(&done, done.attempt), file).await;
    let is_there = matches!(found, Ok(Some(_)) | Err(PhotosError::Unavailable(_)));
    Ok(is_there.then(|| Box::new(done)))
}
