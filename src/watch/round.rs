//! Probe loop: probes every target and records the resulting alert events. A round that cannot be recorded is
//! discarded, so that memory never holds what the disk does not.

mod findings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::board::{Board, Standing};
use super::ledger::Ledger;
use super::ledger::history::{self, Count, Pause};
use super::metrics::Metrics;
use super::probe::{Look, Prober, Seen};
use super::setting::WatchConfig;
use super::target::{Target, settle};

/// Maximum number of concurrent probes.
const AT_ONCE: usize = 256;

/// Task that runs the rounds.
#[derive(Debug)]
pub struct Rounds {
    /// Settings.
    pub config: Arc<WatchConfig>,
    /// HTTP client for probes.
    pub prober: Prober,
    /// Local store.
    pub ledger: Ledger,
    /// Metrics.
    pub metrics: Metrics,
    /// Publishes the result of each round.
    pub board: watch::Sender<Board>,
    /// Targets; see [`mod@super::recall`].
    pub targets: Vec<Target>,
    /// Probes that are not stored yet, by target.
    pub counts: BTreeMap<String, Count>,
    /// When counts were last stored.
    pub counted_at: Timestamp,
}

impl Rounds {
    /// Runs rounds until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.config.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.round().await {
                self.metrics.unrecorded.inc();
                error!("cannot record a round, repeating it: {error:#}");
            }
        }
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        let maintenance = self.ledger.write(history::paused).await?;
        let maintenance = maintenance.filter(|maintenance| maintenance.is_on(Timestamp::now()));
        // Works on a copy, which replaces the targets once it is stored.
        let mut targets = self.targets.clone();
        let forgotten = self.resolve(&mut targets).await;
        // Concurrently, so that a round without any answer takes no longer than others.
        let ((), silent) = tokio::join!(self.look(&mut targets), self.is_neutral_silent());
        let cut_off = silent && targets.iter().all(|one| one.up_since.is_none());
        let now = Timestamp::now();
        let mut findings = self.judge(&mut targets, maintenance.is_some(), cut_off, now);
        for gone in forgotten {
            findings.forget(gone, now);
        }
        self.record(&mut targets, findings, now).await?;
        self.targets = targets;
        let board = self.show(maintenance, now);
        self.metrics.seen(&board);
        self.board.send_replace(board);
        Ok(())
    }

    /// Updates the targets to the current addresses of their names. Returns the targets that are no longer watched.
    async fn resolve(&self, targets: &mut Vec<Target>) -> Vec<Target> {
        let asked = self
            .config
            .watched
            .iter()
            .map(|one| self.prober.resolve(&one.url));
        let found = join_all(asked).await;
        let now = Timestamp::now();
        let nowhere = BTreeSet::new();
        let mut forgotten = Vec::new();
        for (watched, found) in found.iter().enumerate() {
            let known = targets.iter().any(|one| one.watched == watched);
            // If the resolver fails, the known addresses stay.
            if found.is_some() || !known {
                let found = found.as_ref().unwrap_or(&nowhere);
                forgotten.extend(settle(targets, watched, found, &self.config.rules, now));
            }
        }
        forgotten
    }

    async fn look(&self, targets: &mut [Target]) {
        let asked: Vec<_> = targets
            .iter()
            .map(|one| (one.watched, one.address))
            .collect();
        let outcomes = futures_util::stream::iter(asked)
            .map(|(watched, address)| self.look_at(watched, address))
            .buffered(AT_ONCE);
        let outcomes: Vec<Look> = outcomes.collect().await;
        let now = Timestamp::now();
        for (target, look) in targets.iter_mut().zip(outcomes) {
            target.looked(look, now);
        }
    }

    async fn look_at(&self, watched: usize, address: Option<SocketAddr>) -> Look {
        let Some(address) = address else {
            return Look {
                seen: Seen::NoName,
                instance: None,
            };
        };
        let watched = &self.config.watched[watched];
        let start = Instant::now();
        let look = self.prober.look(watched, address).await;
        self.metrics
            .probes
            .with_label_values(&[&watched.name])
            .observe(start.elapsed().as_secs_f64());
        look
    }

    /// Returns whether the neutral check fails too. It is only made after a round without any healthy target.
    async fn is_neutral_silent(&self) -> bool {
        match &self.config.neutral {
            Some((host, port)) if self.targets.iter().all(|one| one.up_since.is_none()) => {
                !self.prober.reaches(host, *port).await
            }
            _ => false,
        }
    }

    fn show(&self, pause: Option<Pause>, now: Timestamp) -> Board {
        let standing = |target: &Target| {
            let watched = &self.config.watched[target.watched];
            Standing {
                target: target.key(watched),
                label: target.label(watched),
                name: watched.name.clone(),
                is_instance: watched.is_instance,
                up_since: target.up_since,
                down_since: target.alarm.raised_since(),
                seen: target.seen.clone(),
            }
        };
        Board {
            at: Some(now),
            targets: self.targets.iter().map(standing).collect(),
            pause,
        }
    }
}
