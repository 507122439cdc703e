//! Asking for a report: a file that is there and still right is handed out again, whoever asked for it first; else
//! there is one job more.

use jiff::Timestamp;
use uuid::Uuid;

use super::basis;
use crate::domain::Job;
use crate::domain::job::Wanted;
use crate::photo::{FileKey, Photos, PhotosError};
use crate::store::job::MAX_JOBS;
use crate::store::{Store, StoreError};

/// Most jobs of one asker that have not ended: the others get their turn.
const MOST_LIVE: usize = 5;

/// What becomes of an order.
#[derive(Clone, Debug)]
pub enum Ordered {
    /// This job, which may be done already.
    Job(Box<Job>),
    /// As many of theirs are being made as may be: some must end first.
    TooMany,
    /// As many of theirs are kept as can be listed: some must be removed first, a day after their end.
    TooManyKept,
}

/// Finds or makes the job for what somebody wants.
///
/// # Errors
/// When the store does not answer.
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
    // A form that was sent twice is one wish.
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

/// The job whose file is what somebody gets who asks for the same now.
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
