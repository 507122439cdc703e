//! Sends registrations at a steady rate, whether or not earlier ones have been answered (open workload).

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::client::{Client, Outcome, RegistrationRequest};
use super::journal::{Journal, JournalRecord};
use super::people::People;
use super::summary::{OutcomeStats, Summary};
use jornada_photo::inspect::inspect;

/// Maximum concurrent requests; further ones are skipped, to bound memory.
const MAX_CONCURRENCY: usize = 1_000;

/// Without a complete journal the results could not be verified.
const JOURNAL_ERROR: &str = "cannot write the journal";

/// Rate and duration of a load.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Registrations per second, at least 1.
    pub rate: u32,
    /// Time during which new registrations are sent.
    pub time: Duration,
}

/// A load: people, client and journal.
#[derive(Debug)]
pub struct Load {
    /// Client that sends to the site.
    pub client: Client,
    /// People who register.
    pub people: People,
    /// True to send no idempotency key.
    pub keyless: bool,
    /// Journal of acknowledgements.
    pub journal: Journal,
    /// Name of the run.
    pub run: String,
}

/// Sends as planned or until `stop`, waits for all requests to finish, and returns a summary.
pub async fn run(load: Load, plan: Plan, stop: CancellationToken) -> anyhow::Result<Summary> {
    let load = Arc::new(load);
    let mut count = OutcomeStats::new(Instant::now());
    let mut under_way = JoinSet::new();
    let door = Arc::new(Semaphore::new(MAX_CONCURRENCY));
    let mut due = tokio::time::interval(Duration::from_secs(1) / plan.rate.max(1));
    let over = tokio::time::sleep(plan.time);
    tokio::pin!(over);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = &mut over => break,
            Some(served) = under_way.join_next() => count.record_outcome(&finished(served)?, Instant::now()),
            _ = due.tick() => {
                let Ok(place) = door.clone().try_acquire_owned() else {
                    count.record_held_back();
                    continue;
                };
                let (load, number) = (load.clone(), count.sent_count());
                count.record_sent();
                under_way.spawn(async move {
                    let outcome = load.register(number).await;
                    drop(place);
                    outcome
                });
            }
        }
    }
    while let Some(served) = under_way.join_next().await {
        count.record_outcome(&finished(served)?, Instant::now());
    }
    load.journal
        .finish(count.sent_count())
        .context(JOURNAL_ERROR)?;
    Ok(count.finish(Instant::now()))
}

/// Returns the outcome of a request task.
fn finished(task: Result<anyhow::Result<Outcome>, JoinError>) -> anyhow::Result<Outcome> {
    task.context("a request task failed")?
}

impl Load {
    /// Registers one person; journals an acknowledgement before returning it.
    async fn register(&self, number: u32) -> anyhow::Result<Outcome> {
        let photo = self.people.photo(number);
        let inspected = photo.clone().map(inspect).transpose();
        let inspected = inspected.ok().context("an invented photo is invalid")?;
        let field = self
            .people
            .campaign()
            .photo_field()
            .map(|field| field.name.clone());
        let request = RegistrationRequest {
            form: self.people.form(number),
            photo: field.zip(photo),
            key: (!self.keyless).then(|| format!("{}-{number:08}", self.run)),
        };
        let outcome = self.client.register(&request).await;
        if let Some(registered) = outcome.acknowledgement() {
            let recorded = self.journal.record(JournalRecord {
                number,
                id: registered.id.clone(),
                receipt: registered.receipt.clone(),
                sha256: inspected.map(|photo| data_encoding::HEXLOWER.encode(&photo.sha256)),
            });
            recorded.context(JOURNAL_ERROR)?;
        }
        Ok(outcome)
    }
}
