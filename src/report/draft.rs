//! Reports at work: one thread writes while batches are still being read, a few may wait, and when whoever asked
//! has gone the work stops. That thread gives way to whatever else there is to do: people who register come first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use prometheus::IntGauge;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::rest::{Others, Rest};
use super::writer::{Delivery, write};
use super::{Finished, Format, ReportError, Subject};
use crate::domain::job::Basis;
use crate::domain::{CampaignId, Registration, Selection};
use crate::low_priority;
use crate::store::{Store, StoreError};

/// Batches that are read and not yet being written; the store reads ahead by itself.
const AHEAD: usize = 1;

/// Writes reports: one at a time for requests and one for jobs, since each takes a processor. A process has one.
#[derive(Clone, Debug)]
pub struct Reports {
    requests: Slots,
    jobs: Slots,
}

/// The reports of one kind: one is being written, a few wait.
#[derive(Clone, Debug)]
struct Slots {
    /// Reports being written or waiting.
    admitted: Arc<Semaphore>,
    /// The report being written.
    running: Arc<Semaphore>,
    others: Others,
}

/// Jobs that may wait. The worker has one at a time, but the thread of a cancelled one may still be ending.
const JOBS_WAITING: usize = 1;

impl Slots {
    fn new(waiting: usize) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(1 + waiting)),
            running: Arc::new(Semaphore::new(1)),
            others: Others::default(),
        }
    }
}

impl Reports {
    /// Lets up to `waiting` requests wait for the one whose report is being written.
    #[must_use]
    pub fn new(waiting: usize) -> Self {
        Self {
            requests: Slots::new(waiting),
            jobs: Slots::new(JOBS_WAITING),
        }
    }

    /// Gives way to these requests. Reports of requests do not give way to requests that wait for a report themselves.
    #[must_use]
    pub fn giving_way_to(mut self, requests: IntGauge) -> Self {
        let admitted = Arc::clone(&self.requests.admitted);
        let permits = admitted.available_permits();
        self.requests.others = Others::all(requests.clone()).but(admitted, permits);
        self.jobs.others = Others::all(requests);
        self
    }

    /// Reads the registrations of the subject from the store and writes them, for a request. Dropping the future ends
    /// the work.
    ///
    /// # Errors
    /// [`ReportError::Busy`] at once; any other as soon as it happens. There is no file then.
    pub async fn write(
        &self,
        store: &Store,
        subject: Subject,
        format: Format,
        progress: &Progress,
    ) -> Result<Finished, ReportError> {
        let slots = &self.requests;
        slots.write(store, subject, format, progress).await
    }

    /// As [`Reports::write`], for a job.
    ///
    /// # Errors
    /// As [`Reports::write`].
    pub(super) async fn write_for_job(
        &self,
        store: &Store,
        subject: Subject,
        format: Format,
        progress: &Progress,
    ) -> Result<Finished, ReportError> {
        self.jobs.write(store, subject, format, progress).await
    }

    /// Waits for the slot of requests and starts a report without rows.
    ///
    /// # Errors
    /// [`ReportError::Busy`] when the queue is full.
    pub async fn begin(&self, subject: Subject, format: Format) -> Result<Draft, ReportError> {
        let progress = Progress::default();
        self.requests.begin(subject, format, &progress).await
    }

    /// The rests of further work for a job.
    pub(super) fn rest_of_job(&self) -> Rest {
        Rest::new(self.jobs.others.clone())
    }
}

impl Slots {
    async fn write(
        &self,
        store: &Store,
        subject: Subject,
        format: Format,
        progress: &Progress,
    ) -> Result<Finished, ReportError> {
        let campaign = Arc::clone(&subject.campaign);
        let selection = subject.selection.clone();
        let mut draft = self.begin(subject, format, progress).await?;
        let basis = basis(store, &campaign.id, &selection).await?;
        progress.basis.set(basis).ok();
        let mut batches = store.registrations(&campaign, &selection).await?;
        while let Some(batch) = batches.next().await? {
            draft = draft.add(batch).await?;
        }
        // Each step of the revision took at most one of them away meanwhile.
        let revision = store.revision(&campaign.id).await?;
        let steps = revision.saturating_sub(basis.revision);
        draft.finish(basis.rows.saturating_sub(steps)).await
    }

    async fn begin(
        &self,
        subject: Subject,
        format: Format,
        progress: &Progress,
    ) -> Result<Draft, ReportError> {
        let place = Arc::clone(&self.admitted).try_acquire_owned();
        let place = place.map_err(|_| ReportError::Busy)?;
        let turn = Arc::clone(&self.running).acquire_owned().await;
        let turn = turn.map_err(|_| ReportError::Busy)?;
        let (outbox, inbox) = mpsc::channel(AHEAD);
        let (told, finished) = oneshot::channel();
        let (noted, rest) = (progress.clone(), Rest::new(self.others.clone()));
        low_priority::spawn("report", move || {
            let written = write(subject, format, inbox, &noted, rest);
            // Held by the thread, not by the future: it may go on for a moment after the future was dropped.
            drop((place, turn));
            told.send(written).ok();
        })?;
        Ok(Draft {
            outbox,
            finished,
            read: 0,
        })
    }
}

/// A report being written. Dropping it ends the work, and nothing of it is left.
#[derive(Debug)]
pub struct Draft {
    outbox: mpsc::Sender<Delivery>,
    finished: oneshot::Receiver<Result<Finished, ReportError>>,
    read: u64,
}

/// How far a report is, for whoever looks from elsewhere; all clones are of the same report.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    rows: Arc<AtomicU64>,
    basis: Arc<OnceLock<Basis>>,
}

impl Progress {
    /// So many rows are written.
    pub(super) fn note(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// Rows that are written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// From what it is made, once that is counted.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        self.basis.get().copied()
    }
}

/// From what a report would be made that began now.
///
/// # Errors
/// When the store does not answer.
pub async fn basis(
    store: &Store,
    campaign: &CampaignId,
    selection: &Selection,
) -> Result<Basis, StoreError> {
    // Both before anything is read: what changes afterwards makes another basis, whether it is in the list or not.
    let revision = store.revision(campaign).await?;
    let rows = store.count(campaign, selection).await?;
    Ok(Basis { rows, revision })
}

impl Draft {
    /// Adds rows; waits while the writer is behind.
    ///
    /// # Errors
    /// What the writer failed with.
    pub async fn add(mut self, batch: Vec<Registration>) -> Result<Self, ReportError> {
        self.read += batch.len() as u64;
        match self.outbox.send(Delivery::Rows(batch)).await {
            Ok(()) => Ok(self),
            Err(_) => Err(failure(self.finished).await),
        }
    }

    /// Ends the report, which must have at least so many rows.
    ///
    /// # Errors
    /// [`ReportError::Short`], and what the writer failed with.
    pub async fn finish(self, least: u64) -> Result<Finished, ReportError> {
        let read = self.read;
        match self.outbox.send(Delivery::End { read, least }).await {
            // The outbox lives on until the file is done: it tells the writer that someone waits.
            Ok(()) => self.finished.await.map_err(|_| ReportError::BrokeOff)?,
            Err(_) => Err(failure(self.finished).await),
        }
    }
}

async fn failure(finished: oneshot::Receiver<Result<Finished, ReportError>>) -> ReportError {
    match finished.await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) | Err(_) => ReportError::BrokeOff,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use tokio::time::timeout;

    use super::*;
    use crate::domain::Lang;
    use crate::domain::campaign::tests::example;

    fn subject() -> Subject {
        Subject {
            campaign: Arc::new(example()),
            selection: Selection::all(),
            lang: Lang::Es,
            made_at: Timestamp::UNIX_EPOCH,
            base: "https://example.org".into(),
        }
    }

    async fn is_waiting(slots: &Slots) -> bool {
        let progress = Progress::default();
        let begun = slots.begin(subject(), Format::Csv, &progress);
        timeout(Duration::from_millis(50), begun).await.is_err()
    }

    #[tokio::test]
    async fn a_request_and_a_job_are_written_at_once_and_a_third_report_waits() {
        let reports = Reports::new(1);
        let request = reports.begin(subject(), Format::Csv).await.unwrap();
        let progress = Progress::default();
        let job = reports.jobs.begin(subject(), Format::Csv, &progress);
        let job = timeout(Duration::from_secs(5), job).await.unwrap().unwrap();
        for slots in [&reports.requests, &reports.jobs] {
            assert!(is_waiting(slots).await);
        }
        request.finish(0).await.unwrap();
        assert!(!is_waiting(&reports.requests).await);
        assert!(is_waiting(&reports.jobs).await);
        job.finish(0).await.unwrap();
    }
}
