//! Generates reports. A low-priority thread writes while batches are still being read, and pauses while requests are
//! being served, since registrations come first. Running and waiting reports are limited. Dropping a report cancels it.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::progress::Progress;
use super::throttle::{ForegroundLoad, Throttle};
use super::writer::{WriterMessage, write};
use super::{FinishedReport, ReportError, ReportSpec};
use jornada_domain::job::{ReportFormat, SourceVersion};
use jornada_domain::{CampaignId, Registration, RegistrationSelection};
use jornada_runtime::low_priority;
use jornada_store::{Store, StoreError};

/// Batches queued for the writer. Small, since the store reads ahead itself.
const QUEUED_BATCHES: usize = 1;

/// Writes reports: one at a time for requests and one for jobs, since each takes a processor. A process has one.
#[derive(Clone, Debug)]
pub struct ReportGenerator {
    requests: ReportSlots,
    pub(super) jobs: ReportSlots,
}

/// The reports of one kind: one is being written, a few wait.
#[derive(Clone, Debug)]
pub(super) struct ReportSlots {
    /// Reports being written or waiting.
    admitted: Arc<Semaphore>,
    /// The report being written.
    running: Arc<Semaphore>,
    others: ForegroundLoad,
}

/// Jobs that may wait. The worker has one at a time, but the thread of a cancelled one may still be ending.
const JOBS_WAITING: usize = 1;

impl ReportSlots {
    fn new(waiting: usize) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(1 + waiting)),
            running: Arc::new(Semaphore::new(1)),
            others: ForegroundLoad::default(),
        }
    }
}

impl ReportGenerator {
    /// Creates a generator. Up to `max_waiting` requests wait while a report is being written.
    pub fn new(max_waiting: usize) -> Self {
        Self {
            requests: ReportSlots::new(max_waiting),
            jobs: ReportSlots::new(JOBS_WAITING),
        }
    }

    /// Makes reports pause while requests are in progress; those of requests ignore requests that wait for a report
    /// themselves.
    #[must_use]
    pub fn pausing_for(mut self, requests: IntGauge) -> Self {
        let admitted = Arc::clone(&self.requests.admitted);
        let permits = admitted.available_permits();
        self.requests.others = ForegroundLoad {
            requests: Some(requests.clone()),
            waiting: Some((admitted, permits)),
        };
        self.jobs.others.requests = Some(requests);
        self
    }

    /// Reads registrations from the store and writes a report for a request. Dropping the future cancels it. Fails
    /// with [`ReportError::Busy`] immediately if all slots are taken.
    pub async fn generate(
        &self,
        store: &Store,
        subject: ReportSpec,
        format: ReportFormat,
        progress: &Progress,
    ) -> Result<FinishedReport, ReportError> {
        let slots = &self.requests;
        slots.write(store, subject, format, progress).await
    }

    /// Waits for the slot of requests and starts a report without rows. Fails with [`ReportError::Busy`] when the queue
    /// is full.
    pub async fn open(
        &self,
        subject: ReportSpec,
        format: ReportFormat,
    ) -> Result<OpenReport, ReportError> {
        let progress = Progress::default();
        self.requests
            .wait_and_open(subject, format, &progress)
            .await
    }
}

impl ReportSlots {
    /// Returns a throttle for one report, or for further work on it.
    pub(super) fn throttle(&self) -> Throttle {
        Throttle::new(self.others.clone())
    }

    /// Reads registrations from the store and writes a report.
    pub(super) async fn write(
        &self,
        store: &Store,
        subject: ReportSpec,
        format: ReportFormat,
        progress: &Progress,
    ) -> Result<FinishedReport, ReportError> {
        let campaign = Arc::clone(&subject.campaign);
        let selection = subject.selection.clone();
        let mut draft = self.wait_and_open(subject, format, progress).await?;
        let basis = source_version(store, &campaign.id, &selection).await?;
        progress.set_basis(basis);
        let mut batches = store.registrations(&campaign, &selection).await?;
        while let Some(batch) = batches.next().await? {
            draft = draft.add(batch).await?;
        }
        // Each revision since then deleted at most one of them.
        let revision = store.revision(&campaign.id).await?;
        let steps = revision.saturating_sub(basis.revision);
        draft.finish(basis.rows.saturating_sub(steps)).await
    }

    async fn wait_and_open(
        &self,
        subject: ReportSpec,
        format: ReportFormat,
        progress: &Progress,
    ) -> Result<OpenReport, ReportError> {
        let queue_permit = Arc::clone(&self.admitted).try_acquire_owned();
        let queue_permit = queue_permit.map_err(|_| ReportError::Busy)?;
        let run_permit = Arc::clone(&self.running).acquire_owned().await;
        let run_permit = run_permit.map_err(|_| ReportError::Busy)?;
        let (outbox, inbox) = mpsc::channel(QUEUED_BATCHES);
        let (sender, finished) = oneshot::channel();
        let (progress, throttle) = (progress.clone(), self.throttle());
        low_priority::spawn("report", move || {
            let written = write(subject, format, inbox, &progress, throttle);
            // Held by the thread, not the future: the thread may run on briefly after the future was dropped.
            drop((queue_permit, run_permit));
            sender.send(written).ok();
        })?;
        Ok(OpenReport {
            outbox,
            finished,
            read: 0,
        })
    }
}

/// A report being written. Dropping it cancels it and deletes the file.
#[derive(Debug)]
pub struct OpenReport {
    outbox: mpsc::Sender<WriterMessage>,
    finished: oneshot::Receiver<Result<FinishedReport, ReportError>>,
    read: u64,
}

/// Reads the source version: number of matching registrations and revision of the campaign.
pub async fn source_version(
    store: &Store,
    campaign: &CampaignId,
    selection: &RegistrationSelection,
) -> Result<SourceVersion, StoreError> {
    // Read before the registrations: any later change yields another version, whether or not the report contains it.
    let revision = store.revision(campaign).await?;
    let rows = store.count(campaign, selection).await?;
    Ok(SourceVersion { rows, revision })
}

impl OpenReport {
    /// Adds rows; waits while the writer is behind. Fails with the error of the writer.
    pub async fn add(mut self, batch: Vec<Registration>) -> Result<Self, ReportError> {
        self.read += batch.len() as u64;
        match self.outbox.send(WriterMessage::Rows(batch)).await {
            Ok(()) => Ok(self),
            Err(_) => Err(writer_error(self.finished).await),
        }
    }

    /// Finishes the report. Fails with [`ReportError::RowsMissing`] if it has fewer rows than required, or with the
    /// error of the writer.
    pub async fn finish(self, min_rows: u64) -> Result<FinishedReport, ReportError> {
        let end = WriterMessage::End {
            read: self.read,
            expected: min_rows,
        };
        match self.outbox.send(end).await {
            // `outbox` stays open until the file is finished: closing it cancels the writer.
            Ok(()) => self.finished.await.map_err(|_| ReportError::WriterFailed)?,
            Err(_) => Err(writer_error(self.finished).await),
        }
    }
}

async fn writer_error(
    finished: oneshot::Receiver<Result<FinishedReport, ReportError>>,
) -> ReportError {
    match finished.await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) | Err(_) => ReportError::WriterFailed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use tokio::time::timeout;

    use super::*;
    use crate::csv_guard::Separator;
    use jornada_domain::Lang;
    use jornada_testkit::campaign::example;

    fn subject() -> ReportSpec {
        ReportSpec {
            campaign: Arc::new(example()),
            selection: RegistrationSelection::all(),
            lang: Lang::Es,
            separator: Separator::Comma,
            requested_at: Timestamp::UNIX_EPOCH,
            base_url: "https://example.org".into(),
            totals: None,
        }
    }

    async fn is_waiting(slots: &ReportSlots) -> bool {
        let progress = Progress::default();
        let begun = slots.wait_and_open(subject(), ReportFormat::Csv, &progress);
        timeout(Duration::from_millis(50), begun).await.is_err()
    }

    #[tokio::test]
    async fn a_request_and_a_job_are_written_at_once_and_a_third_report_waits() {
        let reports = ReportGenerator::new(1);
        let request = reports.open(subject(), ReportFormat::Csv).await.unwrap();
        let progress = Progress::default();
        let job = reports
            .jobs
            .wait_and_open(subject(), ReportFormat::Csv, &progress);
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
