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

/// A load: people, client, journal, and how much is sent.
#[derive(Debug)]
pub struct Load {
    /// Client that sends to the site.
    pub client: Client,
    /// People who register.
    pub people: People,
    /// Journal of acknowledgements.
    pub journal: Journal,
    /// Registrations per second, at least 1.
    pub rate: u32,
    /// Time during which new registrations are sent.
    pub time: Duration,
}

/// Sends as planned or until `stop`, waits for all requests to finish, and returns a summary.
pub async fn run(load: Load, stop: CancellationToken) -> anyhow::Result<Summary> {
    let load = Arc::new(load);
    let mut count = OutcomeStats::new(Instant::now());
    let mut under_way = JoinSet::new();
    let door = Arc::new(Semaphore::new(MAX_CONCURRENCY));
    let mut due = tokio::time::interval(Duration::from_secs(1) / load.rate.max(1));
    let over = tokio::time::sleep(load.time);
    tokio::pin!(over);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = &mut over => break,
            Some(served) = under_way.join_next() => count.record_outcome(&finished(served)?, Instant::now()),
            _ = due.tick() => {
                let Ok(place) = door.clone().try_acquire_owned() else {
                    count.summary.held_back += 1;
                    continue;
                };
                let (load, number) = (load.clone(), count.summary.sent);
                count.summary.sent += 1;
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
        .finish(count.summary.sent)
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
        let field = self.people.campaign().photo_field();
        let request = RegistrationRequest {
            form: self.people.form(number),
            photo: field.map(|field| field.name.clone()).zip(photo),
            key: self.people.idempotency_key(number),
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
