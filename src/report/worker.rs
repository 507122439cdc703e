//! Runs report jobs: claims one at a time, sends heartbeats with its progress, uploads the encrypted file to the object
//! store, then marks the job as done. The process may die at any step: another instance then repeats the job.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::metrics::ReportMetrics;
use super::rest::Rest;
use super::{Finished, Progress, Reports, Subject};
use crate::campaigns::Campaigns;
use crate::domain::Job;
use crate::domain::job::JobFile;
use crate::low_priority;
use crate::photo::seal::{Seal, SealedFile};
use crate::photo::{FileKey, Photos, PhotosError};
use crate::store::Store;
use crate::store::job::{Ending, Hold};

/// Polling interval. A job requested on this instance starts immediately.
const TICK: Duration = Duration::from_secs(1);
/// Heartbeat interval, and so the longest time until a cancelled job stops.
const NOTE_EVERY: Duration = Duration::from_millis(150);
/// Time without heartbeats after which another instance may claim the job.
const SILENCE: Duration = Duration::from_secs(10);
/// Delays between upload attempts.
const PAUSES: [Duration; 4] = [
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
    pub photos: Photos,
    /// The campaigns of this instance.
    pub campaigns: Campaigns,
    /// Metrics of reports.
    pub metrics: ReportMetrics,
    /// Writes the files; shared with the requests of this process.
    pub reports: Reports,
    /// Notified when this instance queues a job.
    pub asked: Arc<Notify>,
}

impl Worker {
    /// Runs jobs one after another until `stop`, and queues stalled jobs of other instances again.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.work_at_all(&stop), self.look_after_others(&stop));
    }

    /// Claims and runs jobs. Logs the first of several failures and retries.
    async fn work_at_all(&self, stop: &CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let begun = Box::pin(self.store.begin_job()).await;
            if let Err(error) = &begun
                && !failing
            {
                warn!("cannot claim a job: {:#}", anyhow::anyhow!("{error}"));
            }
            failing = begun.is_err();
            if let Ok(Some(job)) = begun {
                Box::pin(self.work(&job, stop)).await;
            } else {
                let rest = tokio::time::timeout(TICK, self.asked.notified());
                stop.run_until_cancelled(rest).await;
            }
        }
    }

    /// Queues stalled jobs again. Runs beside the jobs, so that a stalled job is found even if all instances are busy.
    async fn look_after_others(&self, stop: &CancellationToken) {
        let mut looked = Instant::now();
        while stop
            .run_until_cancelled(tokio::time::sleep(TICK))
            .await
            .is_some()
        {
            // If this process was suspended, others may have been, too: wait for their heartbeats first.
            if looked.elapsed() < SILENCE / 2 {
                let losing = self.store.lose_silent_jobs(SILENCE, Timestamp::now());
                // The other loop logs store failures.
                Box::pin(losing).await.ok();
            }
            looked = Instant::now();
        }
    }

    async fn work(&self, job: &Job, stop: &CancellationToken) {
        let (begun, progress) = (Instant::now(), Progress::default());
        self.metrics.at_work.inc();
        info!(job = %job.id, attempt = job.attempt, "started a report");
        let ending = tokio::select! {
            made = self.make(job, &progress) => Some(match made {
                Ok(done) => done,
                Err(error) => {
                    warn!(job = %job.id, attempt = job.attempt, "a report failed: {error:#}");
                    Ending::Lost
                }
            }),
            () = self.keep_noting(Hold::of(job), &progress) => None,
            () = stop.cancelled() => Some(Ending::GivenBack),
        };
        let outcome = self.end(job, ending).await;
        self.metrics.at_work.dec();
        self.metrics.ended(outcome);
        if let Some(Ending::Done { rows, .. }) = ending {
            self.metrics.written(rows, begun.elapsed());
        }
        info!(job = %job.id, attempt = job.attempt, outcome, "finished a report");
        if ending == Some(Ending::Lost) {
            // An immediate retry would most likely fail, too.
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
    }

    /// Writes, encrypts and uploads the file.
    async fn make(&self, job: &Job, progress: &Progress) -> anyhow::Result<Ending> {
        let wanted = &job.wanted;
        let campaign = self.campaigns.get(wanted.campaign.as_str());
        let subject = Subject {
            campaign: Arc::clone(campaign.context("the campaign is unknown on this instance")?),
            selection: wanted.selection.clone(),
            lang: wanted.lang,
            made_at: job.made_at,
            base: wanted.base.clone(),
        };
        let reports = &self.reports;
        let written = reports.write_for_job(&self.store, subject, wanted.format, progress);
        let Finished { file, rows, .. } = Box::pin(written).await?;
        let (key, seal) = (FileKey::of(job, job.attempt), self.photos.seal().clone());
        let (file, sealed) = sealed(seal, key.clone(), file, reports.rest_of_job()).await?;
        self.bring(&key, &sealed).await?;
        let basis = progress.basis().context("the source version is unknown")?;
        Ok(Ending::Done { file, rows, basis })
    }

    async fn bring(&self, key: &FileKey, sealed: &SealedFile) -> Result<(), PhotosError> {
        for pause in PAUSES {
            match self.photos.put_file(key, sealed).await {
                Err(PhotosError::Unavailable(_)) => tokio::time::sleep(pause).await,
                put => return put,
            }
        }
        self.photos.put_file(key, sealed).await
    }

    /// Sends heartbeats while this attempt holds the job; returns when it lost it.
    async fn keep_noting(&self, hold: Hold, progress: &Progress) {
        let mut heard = Instant::now();
        loop {
            tokio::time::sleep(NOTE_EVERY).await;
            let noted = self.store.note_job(hold, progress.rows(), progress.basis());
            match Box::pin(noted).await {
                Ok(true) => heard = Instant::now(),
                Ok(false) => return,
                Err(_) if heard.elapsed() > SILENCE => return,
                Err(_) => {}
            }
        }
    }

    /// Stores the outcome of the attempt and deletes a file that the job does not use. Returns the outcome's label.
    async fn end(&self, job: &Job, ending: Option<Ending>) -> &'static str {
        let mut is_ended = false;
        if let Some(ending) = ending {
            let (hold, since) = (Hold::of(job), Instant::now());
            // Until the timeout no other instance claims the job: retry while the outcome is unknown.
            while since.elapsed() < SILENCE {
                match Box::pin(self.store.end_job(hold, ending, Timestamp::now())).await {
                    Ok(ended) => {
                        is_ended = ended;
                        break;
                    }
                    Err(_) => tokio::time::sleep(NOTE_EVERY).await,
                }
            }
        }
        match ending {
            Some(Ending::Done { .. }) if is_ended => return "done",
            Some(Ending::Done { .. }) if self.has_done(job).await => return "done",
            _ => {}
        }
        // If this fails, the file is deleted with the job.
        let key = FileKey::of(job, job.attempt);
        self.photos.remove_file(&key).await.ok();
        match ending {
            Some(Ending::Lost) => "lost",
            Some(Ending::GivenBack) => "given_back",
            Some(Ending::Done { .. }) | None => "stopped",
        }
    }

    /// Returns whether the job may use this attempt's file: its end may be stored although the response was lost.
    async fn has_done(&self, job: &Job) -> bool {
        match Box::pin(self.store.job(job.id)).await {
            Ok(Some(found)) => found.attempt == job.attempt && found.file().is_some(),
            Ok(None) => false,
            Err(_) => true,
        }
    }
}

/// Encrypts a finished file on a throttled low-priority thread.
async fn sealed(
    seal: Seal,
    key: FileKey,
    file: File,
    mut rest: Rest,
) -> io::Result<(JobFile, SealedFile)> {
    let (told, answer) = oneshot::channel();
    low_priority::spawn("report-seal", move || {
        told.send(seal.seal_file(&key, file, || rest.take())).ok();
    })?;
    let broke_off = |_| io::Error::other("the encryption of a file failed");
    answer.await.map_err(broke_off)?
}
