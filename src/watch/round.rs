//! One round: look at every target, let the alarms judge, record what they say. A round that cannot be recorded counts
//! as not made, so that nothing is ever known here that the disk does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::board::{Board, Standing};
use super::incident::{Notice, Probed};
use super::ledger::history::{self, Count, Pause};
use super::ledger::incidents::{self, Raise, Resolve};
use super::ledger::{Ledger, outbox};
use super::metrics::Metrics;
use super::probe::{Look, Prober, Seen};
use super::target::{Target, settle};
use crate::config::WatchConfig;

/// Probes under way at once.
const AT_ONCE: usize = 256;
/// Availability is written down this often; a crash loses that much of the statistics, and nothing else.
const COUNT_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// Incidents and mails that are over are kept this long.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

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
    /// Whom it looks at; see [`super::recall`].
    pub targets: Vec<Target>,
    /// Probes that are not written down yet.
    pub counts: BTreeMap<String, Count>,
    /// When they were written down last.
    pub counted_at: Timestamp,
}

/// What a round has to record.
#[derive(Debug, Default)]
struct Findings {
    /// With the place of the target.
    raised: Vec<(usize, Raise)>,
    resolved: Vec<Resolve>,
    counts: BTreeMap<String, Count>,
    addresses: Vec<(String, Vec<(SocketAddr, Option<String>)>)>,
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
        self.look(&mut targets).await;
        let cut_off = self.is_cut_off(&targets).await;
        let now = Timestamp::now();
        let mut findings = self.judge(&mut targets, pause.is_some(), cut_off, now);
        findings
            .resolved
            .extend(forgotten.into_iter().filter_map(|mut gone| {
                let notice = gone.alarm.forget(now)?;
                resolve(gone.incident, notice, true)
            }));
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

    /// Whether nothing at all answers, not even what has nothing to do with the system.
    async fn is_cut_off(&self, targets: &[Target]) -> bool {
        match &self.config.neutral {
            Some((host, port)) if targets.iter().all(|one| one.up_since.is_none()) => {
                !self.prober.reaches(host, *port).await
            }
            _ => false,
        }
    }

    fn judge(
        &self,
        targets: &mut [Target],
        paused: bool,
        cut_off: bool,
        now: Timestamp,
    ) -> Findings {
        let mut findings = Findings::default();
        for (place, target) in targets.iter_mut().enumerate() {
            let Some(seen) = target.seen.clone() else {
                continue;
            };
            let watched = &self.config.watched[target.watched];
            if !paused {
                let count = findings.counts.entry(target.key(watched)).or_default();
                match seen.probed() {
                    Probed::Up => count.up += 1,
                    Probed::Down => count.down += 1,
                }
            }
            match target
                .alarm
                .observe(&self.config.rules, seen.probed(), paused, now)
            {
                Some(Notice::Raised { since }) => findings.raised.push((
                    place,
                    Raise {
                        shared: Uuid::new_v4().simple().to_string(),
                        target: target.key(watched),
                        label: target.label(watched),
                        is_instance: watched.is_instance,
                        since,
                        seen,
                        cut_off,
                    },
                )),
                Some(notice) => {
                    findings
                        .resolved
                        .extend(resolve(target.incident.take(), notice, false))
                }
                None => {}
            }
        }
        findings.addresses = self.moved(targets);
        findings
    }

    /// The URLs whose addresses or names are no longer those that the disk knows.
    fn moved(&self, targets: &[Target]) -> Vec<(String, Vec<(SocketAddr, Option<String>)>)> {
        let known = |targets: &[Target], watched: usize| -> Vec<_> {
            let own = targets.iter().filter(|one| one.watched == watched);
            own.filter_map(|one| Some((one.address?, one.instance.clone())))
                .collect()
        };
        let all = self.config.watched.iter().enumerate();
        all.filter_map(|(watched, one)| {
            let now = known(targets, watched);
            (now != known(&self.targets, watched)).then(|| (one.url.to_string(), now))
        })
        .collect()
    }

    async fn record(
        &mut self,
        targets: &mut [Target],
        findings: Findings,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let mut counts = self.counts.clone();
        for (target, count) in &findings.counts {
            let known = counts.entry(target.clone()).or_default();
            known.up += count.up;
            known.down += count.down;
        }
        let count = now.duration_since(self.counted_at) >= COUNT_EVERY;
        let is_new = !findings.raised.is_empty() || !findings.resolved.is_empty();
        if is_new || count || !findings.addresses.is_empty() {
            let (written, group) = (count.then(|| counts.clone()), self.config.group);
            let raised: Vec<_> = findings
                .raised
                .iter()
                .map(|(_, raise)| raise.clone())
                .collect();
            let (resolved, addresses) = (findings.resolved.clone(), findings.addresses);
            let keys = self.ledger.write(move |tx| {
                for (url, known) in &addresses {
                    history::remember(tx, url, known)?;
                }
                if let Some(counts) = &written {
                    history::count(tx, counts, now)?;
                    outbox::prune(tx, now - KEPT)?;
                }
                for end in &resolved {
                    incidents::resolve(tx, end, group, now)?;
                }
                let keys = raised
                    .iter()
                    .map(|one| incidents::raise(tx, one, group, now));
                keys.collect::<rusqlite::Result<Vec<_>>>()
            });
            for ((place, raise), key) in findings.raised.iter().zip(keys.await?) {
                targets[*place].incident = Some(key);
                let watched = &self.config.watched[targets[*place].watched];
                self.metrics
                    .incidents
                    .with_label_values(&[&watched.name])
                    .inc();
                warn!(
                    target_name = watched.name,
                    "{} is down: {:?}", raise.label, raise.seen
                );
            }
        }
        for end in &findings.resolved {
            info!(
                incident = end.id,
                "an incident is over after {} falls", end.falls
            );
        }
        self.counts = if count { BTreeMap::new() } else { counts };
        self.counted_at = if count { now } else { self.counted_at };
        Ok(())
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

fn resolve(incident: Option<i64>, notice: Notice, gone: bool) -> Option<Resolve> {
    match notice {
        Notice::Resolved { until, falls } => Some(Resolve {
            id: incident?,
            until,
            falls,
            gone,
        }),
        Notice::Raised { .. } => None,
    }
}
