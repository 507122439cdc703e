//! Runs report jobs: claims one at a time, sends heartbeats with its progress, uploads the encrypted file to the object
//! store, then marks the job as done. The process may die at any step: another instance then repeats the job.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use backon::Retryable;
use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::metrics::ReportMetrics;
use super::throttle::Throttle;
use super::{FinishedReport, Progress, ReportGenerator, ReportSpec};
use crate::campaigns::Campaigns;
use crate::csv_guard::Separator;
use crate::tally::live_totals::LiveTotals;
use jornada_domain::ReportJob;
use jornada_domain::job::ReportFile;
use jornada_objects::encryption::{EncryptedFile, Encryptor};
use jornada_objects::{ObjectError, ObjectKey, ObjectStore};
use jornada_runtime::background;
use jornada_runtime::low_priority;
use jornada_store::Store;
use jornada_store::jobs::{JobLease, JobOutcome};

/// Polling interval. A job requested on this instance starts immediately.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Heartbeat interval, and so the longest time until a cancelled job stops.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(150);
/// Time without heartbeats after which another instance may claim the job.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);
/// Delays between upload attempts.
const RETRY_DELAYS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(20),
];

/// Runs jobs until stopped.
#[derive(Debug)]
pub struct Worker {
    /// Jobs and registrations.
    pub store: Store,
    /// Report files.
    pub objects: ObjectStore,
    /// The campaigns of this instance.
    pub campaigns: Campaigns,
    /// Totals, for the spellings of the values.
    pub live_totals: LiveTotals,
    /// Metrics of reports.
    pub metrics: ReportMetrics,
    /// Writes the files; shared with the requests of this process.
    pub reports: ReportGenerator,
    /// Notified when this instance queues a job.
    pub job_added: Arc<Notify>,
}

impl Worker {
    /// Runs jobs one after another until `stop`, and queues stalled jobs of other instances again.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.run_jobs(&stop), self.requeue_stalled(&stop));
    }

    /// Claims and runs jobs. Logs the first of several failures and retries.
    async fn run_jobs(&self, stop: &CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let claimed = Box::pin(self.store.claim_next_job()).await;
            if let Err(error) = &claimed
                && !failing
            {
                warn!("cannot claim a job: {:#}", anyhow::anyhow!("{error}"));
            }
            failing = claimed.is_err();
            if let Ok(Some(job)) = claimed {
                Box::pin(self.run_job(&job, stop)).await;
            } else {
                let wait = tokio::time::timeout(POLL_INTERVAL, self.job_added.notified());
                stop.run_until_cancelled(wait).await;
            }
        }
    }

    /// Queues stalled jobs again. Runs beside the jobs, so that a stalled job is found even if all instances are busy.
    async fn requeue_stalled(&self, stop: &CancellationToken) {
        let mut last_check = Instant::now();
        let mut requeue = async || {
            // If this process was suspended, others may have been, too: wait for their heartbeats first.
            if last_check.elapsed() < HEARTBEAT_TIMEOUT / 2 {
                let now = Timestamp::now();
                let requeued = self.store.requeue_stalled_jobs(HEARTBEAT_TIMEOUT, now);
                // The other loop logs store failures.
                requeued.await.ok();
            }
            last_check = Instant::now();
        };
        let mut polling = background::every(POLL_INTERVAL, stop);
        while polling.run(requeue()).await {}
    }

    async fn run_job(&self, job: &ReportJob, stop: &CancellationToken) {
        let (started, progress) = (Instant::now(), Progress::default());
        self.metrics.jobs_in_progress.inc();
        info!(job = %job.id, attempt = job.attempt, "started a report");
        let ending = tokio::select! {
            made = self.generate(job, &progress) => Some(match made {
                Ok(done) => done,
                Err(error) => {
                    warn!(job = %job.id, attempt = job.attempt, "a report failed: {error:#}");
                    JobOutcome::Failed
                }
            }),
            () = self.send_heartbeats(JobLease::from_job(job), &progress) => None,
            () = stop.cancelled() => Some(JobOutcome::Released),
        };
        let outcome = self.finish_attempt(job, ending).await;
        self.metrics.jobs_in_progress.dec();
        self.metrics.jobs.with_label_values(&[outcome]).inc();
        if let Some(JobOutcome::Done { rows, .. }) = ending {
            self.metrics.record_report(rows, started.elapsed());
        }
        info!(job = %job.id, attempt = job.attempt, outcome, "finished a report");
        if ending == Some(JobOutcome::Failed) {
            // An immediate retry would most likely fail, too.
            stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL))
                .await;
        }
    }

    /// Writes, encrypts and uploads the file.
    async fn generate(&self, job: &ReportJob, progress: &Progress) -> anyhow::Result<JobOutcome> {
        let request = &job.request;
        let campaign = self.campaigns.get(request.campaign.as_str());
        let campaign = campaign.context("the campaign is unknown on this instance")?;
        let subject = ReportSpec {
            campaign: Arc::clone(campaign),
            selection: request.selection.clone(),
            lang: request.lang,
            separator: Separator::for_lang(request.lang),
            requested_at: job.created_at,
            base_url: request.base_url.clone(),
            totals: self.live_totals.latest(&campaign.id),
        };
        let jobs = &self.reports.jobs;
        let written = jobs.write(&self.store, subject, request.format, progress);
        let FinishedReport { file, rows, .. } = Box::pin(written).await?;
        let key = ObjectKey::for_job(job, job.attempt);
        let encryptor = self.objects.encryptor().clone();
        let encrypting = encrypt(encryptor, key.clone(), file, jobs.throttle());
        let (file, encrypted) = encrypting
            .await
            .context("cannot write the encrypted file of a report: the folder TMPDIR")?;
        self.upload(&key, &encrypted).await?;
        let source_version = progress.basis().context("the source version is unknown")?;
        Ok(JobOutcome::Done {
            file,
            rows,
            source_version,
        })
    }

    async fn upload(&self, key: &ObjectKey, encrypted: &EncryptedFile) -> Result<(), ObjectError> {
        let put = || self.objects.put_file(key, encrypted);
        put.retry(RETRY_DELAYS.into_iter())
            .when(|error| matches!(error, ObjectError::Unavailable(_)))
            .await
    }

    /// Sends heartbeats while this attempt holds the job; returns when it lost it.
    async fn send_heartbeats(&self, lease: JobLease, progress: &Progress) {
        let mut heard = Instant::now();
        loop {
            tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            let heartbeat = self
                .store
                .heartbeat(lease, progress.rows(), progress.basis());
            match Box::pin(heartbeat).await {
                Ok(true) => heard = Instant::now(),
                Ok(false) => return,
                Err(_) if heard.elapsed() > HEARTBEAT_TIMEOUT => return,
                Err(_) => {}
            }
        }
    }

    /// Stores the outcome of the attempt and deletes a file that the job does not use. Returns the outcome's label.
    async fn finish_attempt(&self, job: &ReportJob, outcome: Option<JobOutcome>) -> &'static str {
        let mut is_ended = false;
        if let Some(outcome) = outcome {
            let (lease, since) = (JobLease::from_job(job), Instant::now());
            // Until the timeout no other instance claims the job: retry while the outcome is unknown.
            while since.elapsed() < HEARTBEAT_TIMEOUT {
                match Box::pin(self.store.finish_job(lease, outcome, Timestamp::now())).await {
                    Ok(ended) => {
                        is_ended = ended;
                        break;
                    }
                    Err(_) => tokio::time::sleep(HEARTBEAT_INTERVAL).await,
                }
            }
        }
        match outcome {
            Some(JobOutcome::Done { .. }) if is_ended => return "done",
            Some(JobOutcome::Done { .. }) if self.may_be_done(job).await => return "done",
            _ => {}
        }
        // If this fails, the file is deleted with the job.
        let key = ObjectKey::for_job(job, job.attempt);
        self.objects.remove(&key).await.ok();
        match outcome {
            Some(JobOutcome::Failed) => "lost",
            Some(JobOutcome::Released) => "given_back",
            Some(JobOutcome::Done { .. }) | None => "stopped",
        }
    }

    /// Returns whether the job may use this attempt's file: its end may be stored although the response was lost.
    async fn may_be_done(&self, job: &ReportJob) -> bool {
        match Box::pin(self.store.job(job.id)).await {
            Ok(Some(found)) => found.attempt == job.attempt && found.file().is_some(),
            Ok(None) => false,
            Err(_) => true,
        }
    }
}

/// Encrypts a finished file on a throttled low-priority thread.
async fn encrypt(
    encryptor: Encryptor,
    key: ObjectKey,
    file: File,
    mut throttle: Throttle,
) -> io::Result<(ReportFile, EncryptedFile)> {
    let (sender, answer) = oneshot::channel();
    low_priority::spawn("report-seal", move || {
        sender
            .send(encryptor.encrypt_file(&key, file, || throttle.pause_if_due()))
            .ok();
    })?;
    let broke_off = |_| io::Error::other("the encryption of a file failed");
    answer.await.map_err(broke_off)?
}
