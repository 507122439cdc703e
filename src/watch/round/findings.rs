//! What a round found: what the alarms say of it, and how that gets to the disk in one step.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;
use tracing::{info, warn};
use uuid::Uuid;

use super::Rounds;
use crate::watch::incident::{Notice, Probed};
use crate::watch::ledger::history::{self, Count, Known};
use crate::watch::ledger::incidents::{self, Raise, Resolve};
use crate::watch::ledger::outbox;
use crate::watch::target::Target;

/// Availability is written down this often; a crash loses that much of the statistics, and nothing else.
const COUNT_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// Incidents and mails that are over are kept this long.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What a round has to record.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// With the place of the target.
    raised: Vec<(usize, Raise)>,
    resolved: Vec<Resolve>,
    counts: BTreeMap<String, Count>,
    addresses: Vec<(String, Known)>,
}

impl Findings {
    /// Adds the end of what was open at a target that is no longer looked for.
    pub(super) fn forget(&mut self, mut gone: Target, now: Timestamp) {
        let notice = gone.alarm.forget(now);
        let end = notice.and_then(|notice| resolve(gone.incident, notice, true));
        self.resolved.extend(end);
    }

    fn is_worth_a_write(&self) -> bool {
        !(self.raised.is_empty() && self.resolved.is_empty() && self.addresses.is_empty())
    }

    /// Writes everything, with the mails; answers the keys of what was raised.
    fn keep(
        &self,
        tx: &Transaction,
        counts: Option<&BTreeMap<String, Count>>,
        group: SignedDuration,
        now: Timestamp,
    ) -> rusqlite::Result<Vec<i64>> {
        for (url, known) in &self.addresses {
            history::remember(tx, url, known)?;
        }
        if let Some(counts) = counts {
            history::count(tx, counts, now)?;
            outbox::prune(tx, now - KEPT)?;
        }
        for end in &self.resolved {
            incidents::resolve(tx, end, group, now)?;
        }
        let raised = self.raised.iter();
        raised
            .map(|(_, one)| incidents::raise(tx, one, group, now))
            .collect()
    }
}

impl Rounds {
    /// Lets every alarm judge what was seen.
    pub(super) fn judge(
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
                    let end = resolve(target.incident.take(), notice, false);
                    findings.resolved.extend(end);
                }
                None => {}
            }
        }
        findings.addresses = self.moved(targets);
        findings
    }

    /// The URLs whose addresses or names are no longer those that the disk knows.
    fn moved(&self, targets: &[Target]) -> Vec<(String, Known)> {
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

    /// Records what was found, and puts the keys of new incidents into their targets.
    pub(super) async fn record(
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
        let is_time = now.duration_since(self.counted_at) >= COUNT_EVERY;
        if is_time || findings.is_worth_a_write() {
            let group = self.config.group;
            let written = is_time.then(|| std::mem::take(&mut counts));
            let kept = self.ledger.write(move |tx| {
                let keys = findings.keep(tx, written.as_ref(), group, now)?;
                Ok((findings, keys))
            });
            let (findings, keys) = kept.await?;
            for ((place, raise), key) in findings.raised.iter().zip(keys) {
                targets[*place].incident = Some(key);
                let name = &self.config.watched[targets[*place].watched].name;
                self.metrics.incidents.with_label_values(&[name]).inc();
                warn!("{} is down: {:?}", raise.label, raise.seen);
            }
            for end in &findings.resolved {
                info!(incident = end.id, "over after {} falls", end.falls);
            }
        }
        self.counts = counts;
        self.counted_at = if is_time { now } else { self.counted_at };
        Ok(())
    }
}

/// The end of an incident as the ledger keeps it.
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
