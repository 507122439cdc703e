//! Generates reports. A low-priority thread writes while batches are still being read, and pauses while requests are
//! being served, since registrations come first. Running and waiting reports are limited. Dropping a report cancels it.

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

/// Batches queued for the writer. Small, since the store reads ahead itself.
const AHEAD: usize = 1;

/// Generates reports, limiting how many run and wait: each occupies a processor.
#[derive(Clone, Debug)]
pub struct Reports {
    /// Slots of running and waiting reports.
    places: Arc<Semaphore>,
    /// Slots of running reports.
    desks: Arc<Semaphore>,
    others: Others,
}

impl Reports {
    /// Allows up to `max_running` running and `max_waiting` waiting reports.
    #[must_use]
    pub fn new(at_once: usize, waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once + waiting)),
            desks: Arc::new(Semaphore::new(at_once)),
            others: Others::default(),
        }
    }

    /// Makes reports pause while any of these requests is in progress.
    #[must_use]
    pub fn giving_way_to(self, requests: IntGauge) -> Self {
        Self {
            others: Others::all(requests),
            ..self
        }
    }

    /// Makes reports pause while requests are in progress, except those that wait for a report themselves.
    #[must_use]
    pub fn asked_by_some_of(self, requests: IntGauge) -> Self {
        let places = self.places.available_permits();
        Self {
            others: Others::all(requests).but(Arc::clone(&self.places), places),
            ..self
        }
    }

    /// Reads registrations from the store and writes a report. Dropping the future cancels it.
    ///
    /// # Errors
    /// [`ReportError::Busy`] immediately if all slots are taken.
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
        progress.basis.set(basis).ok();
        let mut batches = store.registrations(&campaign, &selection).await?;
        while let Some(batch) = batches.next().await? {
            draft = draft.add(batch).await?;
        }
        // Each revision since then deleted at most one of them.
        let revision = store.revision(&campaign.id).await?;
        let steps = revision.saturating_sub(basis.revision);
        draft.finish(basis.rows.saturating_sub(steps)).await
    }

    /// Waits for a slot and starts a report without rows.
    ///
    /// # Errors
    /// [`ReportError::Busy`] if all slots are taken.
    pub async fn begin(&self, subject: Subject, format: Format) -> Result<Draft, ReportError> {
        self.begin_noting(subject, format, &Progress::default())
            .await
    }

    /// Returns a throttle for further work on a report.
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
            // Held by the thread, not the future: the thread may run on briefly after the future was dropped.
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

/// A report being written. Dropping it cancels it and deletes the file.
#[derive(Debug)]
pub struct Draft {
    outbox: mpsc::Sender<Delivery>,
    finished: oneshot::Receiver<Result<Finished, ReportError>>,
    read: u64,
}

/// Progress of a report, readable from other tasks. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    rows: Arc<AtomicU64>,
    basis: Arc<OnceLock<Basis>>,
}

impl Progress {
    /// Records the number of rows written.
    pub(super) fn note(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// Returns the number of rows written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Returns the source version, once it is known.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        self.basis.get().copied()
    }
}

/// Reads the source version: number of matching registrations and revision of the campaign.
pub async fn basis(
    store: &Store,
    campaign: &CampaignId,
    selection: &Selection,
) -> Result<Basis, StoreError> {
    // Read before the registrations: any later change yields another version, whether or not the report contains it.
    let revision = store.revision(campaign).await?;
    let rows = store.count(campaign, selection).await?;
    Ok(Basis { rows, revision })
}

impl Draft {
    /// Adds rows; waits while the writer is behind.
    ///
    /// # Errors
    /// The error of the writer, if it failed.
    pub async fn add(mut self, batch: Vec<Registration>) -> Result<Self, ReportError> {
        self.read += batch.len() as u64;
        match self.outbox.send(Delivery::Rows(batch)).await {
            Ok(()) => Ok(self),
            Err(_) => Err(failure(self.finished).await),
        }
    }

    /// Finishes the report.
    ///
    /// # Errors
    /// [`ReportError::Short`] if it has fewer rows than required, or the error of the writer.
    pub async fn finish(self, least: u64) -> Result<Finished, ReportError> {
        let read = self.read;
        match self.outbox.send(Delivery::End { read, least }).await {
            // `outbox` stays open until the file is finished: closing it cancels the writer.
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
