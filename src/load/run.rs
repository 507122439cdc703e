//! The load itself: one person after the other at a steady rate, whether or not those before have been served.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::client::{Client, Outcome, Parcel};
use super::journal::{Acknowledged, Journal};
use super::people::People;
use super::summary::{Count, Summary};
use crate::photo::inspect::inspect;

/// Most people at the door at once; beyond them the load is held back, since its memory is bounded too.
const MOST_AT_ONCE: usize = 1_000;

/// How much and how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Registrations a second, at least 1.
    pub rate: u32,
    /// For how long new ones are sent.
    pub time: Duration,
}

/// Who sends what, and where it is written down.
#[derive(Debug)]
pub struct Load {
    /// To whom.
    pub client: Client,
    /// Who.
    pub people: People,
    /// Whether they leave out the idempotency key.
    pub keyless: bool,
    /// Where promises are written down.
    pub journal: Journal,
    /// The name of the run.
    pub run: String,
}

/// Why a load broke off.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A promise that is not written down is worth nothing.
    #[error("cannot write the journal")]
    Journal(#[from] io::Error),
    /// A fault of ours.
    #[error("a registration was given up in the middle")]
    Task(#[from] JoinError),
    /// A fault of ours.
    #[error("an invented photo is refused")]
    Photo,
}

/// Sends as planned or until `stop`, waits for everyone to be served, and sums up.
///
/// # Errors
/// [`LoadError`].
pub async fn run(load: Load, plan: Plan, stop: CancellationToken) -> Result<Summary, LoadError> {
    let load = Arc::new(load);
    let mut count = Count::begin(Instant::now());
    let mut under_way = JoinSet::new();
    let door = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let mut due = tokio::time::interval(Duration::from_secs(1) / plan.rate.max(1));
    let over = tokio::time::sleep(plan.time);
    tokio::pin!(over);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = &mut over => break,
            Some(served) = under_way.join_next() => count.came(&served??, Instant::now()),
            _ = due.tick() => {
                let Ok(place) = door.clone().try_acquire_owned() else {
                    count.held_back();
                    continue;
                };
                let (load, number) = (load.clone(), count.sent_so_far());
                count.sent();
                under_way.spawn(async move {
                    let outcome = load.register(number).await;
                    drop(place);
                    outcome
                });
            }
        }
    }
    while let Some(served) = under_way.join_next().await {
        count.came(&served??, Instant::now());
    }
    load.journal.end(count.sent_so_far())?;
    Ok(count.end(Instant::now()))
}

impl Load {
    /// Registers one person; what is promised is in the journal before it is told.
    async fn register(&self, number: u32) -> Result<Outcome, LoadError> {
        let photo = self.people.photo(number);
        let kept = photo.clone().map(inspect).transpose();
        let kept = kept.map_err(|_| LoadError::Photo)?;
        let field = self
            .people
            .campaign()
            .photo()
            .map(|field| field.name.clone());
        let parcel = Parcel {
            form: self.people.form(number),
            photo: field.zip(photo),
            key: (!self.keyless).then(|| format!("{}-{number:08}", self.run)),
        };
        let outcome = self.client.register(&parcel).await;
        if let Some(registered) = outcome.registered() {
            self.journal.acknowledge(Acknowledged {
                number,
                id: registered.id.clone(),
                receipt: registered.receipt.clone(),
                sha256: kept.map(|photo| data_encoding::HEXLOWER.encode(&photo.sha256)),
            })?;
        }
        Ok(outcome)
    }
}
