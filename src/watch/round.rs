//! One round: look at every target, let the alarms judge, record what they say. A round that cannot be recorded counts
//! as not made, so that nothing is ever known here that the disk does not know.

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

/// Probes under way at once.
const AT_ONCE: usize = 256;

/// Who looks.
#[derive(Debug)]
pub struct Rounds {
    /// The settings.
    pub config: Arc<WatchConfig>,
    /// How it looks.
    pub prober: Prober,
    /// Where it records.
    pub ledger: Ledger,
    /// What it counts.
    pub metrics: Metrics,
    /// Where it shows what it saw.
    pub board: watch::Sender<Board>,
    /// Whom it looks at; see [`mod@super::recall`].
    pub targets: Vec<Target>,
    /// Probes that are not written down yet.
    pub counts: BTreeMap<String, Count>,
    /// When they were written down last.
    pub counted_at: Timestamp,
}

impl Rounds {
    /// Looks until it is told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.config.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.round().await {
                self.metrics.unrecorded.inc();
                error!("a round was not recorded and will be made again: {error:#}");
            }
        }
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        let pause = self.ledger.write(history::paused).await?;
        let pause = pause.filter(|pause| pause.is_on(Timestamp::now()));
        // A copy: it becomes the truth once it is on the disk.
        let mut targets = self.targets.clone();
        let forgotten = self.resolve(&mut targets).await;
        // Side by side, so that a round in which nothing answers is not longer than any other.
        let ((), silent) = tokio::join!(self.look(&mut targets), self.is_neutral_silent());
        let cut_off = silent && targets.iter().all(|one| one.up_since.is_none());
        let now = Timestamp::now();
        let mut findings = self.judge(&mut targets, pause.is_some(), cut_off, now);
        for gone in forgotten {
            findings.forget(gone, now);
        }
        self.record(&mut targets, findings, now).await?;
        self.targets = targets;
        let board = self.show(pause, now);
        self.metrics.seen(&board);
        self.board.send_replace(board);
        Ok(())
    }

    /// Brings the targets up to what their names lead to now; answers those that are no longer looked for.
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
            // A resolver that is away says nothing of the addresses that are known.
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
        let looks = futures_util::stream::iter(asked)
            .map(|(watched, address)| self.look_at(watched, address))
            .buffered(AT_ONCE);
        let looks: Vec<Look> = looks.collect().await;
        let now = Timestamp::now();
        for (target, look) in targets.iter_mut().zip(looks) {
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

    /// Whether what has nothing to do with the system does not answer either. It is asked only after a round in which
    /// nothing else answered.
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
