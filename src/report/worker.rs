//! What an instance does about jobs: it takes one at a time, says every moment how far it is, and brings the file,
//! sealed, to the object store before it says that the job is done. It may die at any of these steps.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

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
use crate::telemetry::metrics::ReportMetrics;

/// Between two looks for a job; one that this instance was asked for is begun at once.
const TICK: Duration = Duration::from_secs(1);
/// Between two words on how far a job is, and so the longest time until a cancelled one stops.
const NOTE_EVERY: Duration = Duration::from_millis(150);
/// After this silence this instance has lost the job, and another begins it again.
const SILENCE: Duration = Duration::from_secs(10);
/// How often a file is brought to the object store, and how long after a failure.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(20),
];

/// Works at jobs until it is stopped.
#[derive(Debug)]
pub struct Worker {
    /// Where jobs and registrations are.
    pub store: Store,
    /// Where files go.
    pub photos: Photos,
    /// The campaigns of this instance.
    pub campaigns: Campaigns,
    /// What is counted.
    pub metrics: ReportMetrics,
    /// Writes the files; shared with the requests of this process.
    pub reports: Reports,
    /// Told when there is a new job.
    pub asked: Arc<Notify>,
}

impl Worker {
    /// One job after another until `stop`, and an eye on those of others.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.work_at_all(&stop), self.look_after_others(&stop));
    }

    /// A failure is logged and followed by the next look.
    async fn work_at_all(&self, stop: &CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let begun = Box::pin(self.store.begin_job()).await;
            if let Err(error) = &begun
                && !failing
            {
                warn!("no job can be begun: {:#}", anyhow::anyhow!("{error}"));
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

    /// Also while it works itself, so that nobody looks at a job that stands still because all others have work.
    async fn look_after_others(&self, stop: &CancellationToken) {
        let mut looked = Instant::now();
        while stop
            .run_until_cancelled(tokio::time::sleep(TICK))
            .await
            .is_some()
        {
            // Where this process stood still, the others may have too: they get a moment to be heard.
            if looked.elapsed() < SILENCE / 2 {
                let losing = self.store.lose_silent_jobs(SILENCE, Timestamp::now());
                // Where the store is away, the other loop says so.
                Box::pin(losing).await.ok();
            }
            looked = Instant::now();
        }
    }

    async fn work(&self, job: &Job, stop: &CancellationToken) {
        let (begun, progress) = (Instant::now(), Progress::default());
        self.metrics.at_work.inc();
        info!(job = %job.id, attempt = job.attempt, "began a report");
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
        info!(job = %job.id, attempt = job.attempt, outcome, "ended a report");
        if ending == Some(Ending::Lost) {
            // What failed a moment ago mostly fails again at once.
            stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
        }
    }

    /// Makes the file and brings it where it is kept.
    async fn make(&self, job: &Job, progress: &Progress) -> anyhow::Result<Ending> {
        let wanted = &job.wanted;
        let campaign = self.campaigns.get(wanted.campaign.as_str());
        let subject = Subject {
            campaign: Arc::clone(campaign.context("no such campaign here")?),
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
        let basis = progress.basis().context("nothing was counted")?;
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

    /// Says how far it is for as long as the job is this attempt's.
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

    /// Ends the attempt; a file that is not the job's goes. Answers the outcome's word.
    async fn end(&self, job: &Job, ending: Option<Ending>) -> &'static str {
        let mut is_ended = false;
        if let Some(ending) = ending {
            let (hold, since) = (Hold::of(job), Instant::now());
            // Until then no other begins it: an outcome that is not known is asked for again.
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
        // What stays here is removed with the job.
        let key = FileKey::of(job, job.attempt);
        self.photos.remove_file(&key).await.ok();
        match ending {
            Some(Ending::Lost) => "lost",
            Some(Ending::GivenBack) => "given_back",
            Some(Ending::Done { .. }) | None => "stopped",
        }
    }

    /// Whether the file of this attempt may be the job's: its end may have been kept although nobody was told so.
    async fn has_done(&self, job: &Job) -> bool {
        match Box::pin(self.store.job(job.id)).await {
            Ok(Some(found)) => found.attempt == job.attempt && found.file().is_some(),
            Ok(None) => false,
            Err(_) => true,
        }
    }
}

/// Seals a finished file on a thread that gives way, as the one that wrote it did.
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
    let broke_off = |_| io::Error::other("the sealing of a file broke off");
    answer.await.map_err(broke_off)?
}
