//! Reports at work: one thread writes while batches are still being read, a few may wait, and when whoever asked
//! has gone the work stops. That thread gives way to whatever else there is to do: people who register come first.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::progress::Progress;
use super::rest::{Others, Rest};
use super::writer::{Delivery, write};
use super::{Finished, Format, ReportError, Subject};
use crate::domain::job::Basis;
use crate::domain::{CampaignId, Registration, Selection};
use crate::low_priority;
use crate::store::{Store, StoreError};

/// Batches that are read and not yet being written; the store reads ahead by itself.
const AHEAD: usize = 1;

/// How many reports may be written at once, and how many more may wait: each takes a processor while it lasts.
#[derive(Clone, Debug)]
pub struct Reports {
    /// Those being written or waiting.
    places: Arc<Semaphore>,
    /// Those being written.
    desks: Arc<Semaphore>,
    others: Others,
}

impl Reports {
    /// At most so many at once, and so many more that wait.
    #[must_use]
    pub fn new(at_once: usize, waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once + waiting)),
            desks: Arc::new(Semaphore::new(at_once)),
            others: Others::default(),
        }
    }

    /// Gives way to all of these requests.
    #[must_use]
    pub fn giving_way_to(self, requests: IntGauge) -> Self {
        Self {
            others: Others::all(requests),
            ..self
        }
    }

    /// Gives way to those of these requests that do not wait for one of the reports themselves.
    #[must_use]
    pub fn asked_by_some_of(self, requests: IntGauge) -> Self {
        let places = self.places.available_permits();
        Self {
            others: Others::all(requests).but(Arc::clone(&self.places), places),
            ..self
        }
    }

    /// Reads the registrations of the subject from the store and writes them. Dropping the future ends the work.
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
        let campaign = Arc::clone(&subject.campaign);
        let selection = subject.selection.clone();
        let mut draft = self.begin_noting(subject, format, progress).await?;
        let basis = basis(store, &campaign.id, &selection).await?;
        progress.set_basis(basis);
        let mut batches = store.registrations(&campaign, &selection).await?;
        while let Some(batch) = batches.next().await? {
            draft = draft.add(batch).await?;
        }
        // Each step of the revision took at most one of them away meanwhile.
        let revision = store.revision(&campaign.id).await?;
        let steps = revision.saturating_sub(basis.revision);
        draft.finish(basis.rows.saturating_sub(steps)).await
    }

    /// Waits for a turn and begins a report without rows.
    ///
    /// # Errors
    /// [`ReportError::Busy`] when as many wait as may.
    pub async fn begin(&self, subject: Subject, format: Format) -> Result<Draft, ReportError> {
        self.begin_noting(subject, format, &Progress::default())
            .await
    }

    /// The rests of further work on one of them.
    pub(super) fn rest(&self) -> Rest {
        Rest::new(self.others.clone())
    }

    async fn begin_noting(
        &self,
        subject: Subject,
        format: Format,
        progress: &Progress,
    ) -> Result<Draft, ReportError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| ReportError::Busy)?;
        let desk = Arc::clone(&self.desks).acquire_owned().await;
        let desk = desk.map_err(|_| ReportError::Busy)?;
        let (outbox, inbox) = mpsc::channel(AHEAD);
        let (told, finished) = oneshot::channel();
        let (noted, rest) = (progress.clone(), self.rest());
        low_priority::spawn("report", move || {
            let written = write(subject, format, inbox, &noted, rest);
            // The thread, not the future, holds them: it may go on for a moment after the future was dropped.
            drop((place, desk));
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
