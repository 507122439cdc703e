//! Result of a round: the alert events, stored in one transaction.

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

/// Interval at which availability is stored. A crash loses at most these counts.
const COUNT_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// Retention of resolved incidents and closed mails.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Changes to record after a round.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// New incidents, with the indices of their targets.
    raised: Vec<(usize, Raise)>,
    resolved: Vec<Resolve>,
    counts: BTreeMap<String, Count>,
    addresses: Vec<(String, Known)>,
}

impl Findings {
    /// Ends the incident of a target that is no longer watched.
    pub(super) fn forget(&mut self, mut gone: Target, now: Timestamp) {
        let event = gone.alarm.forget(now);
        let end = event.and_then(|event| resolve(gone.incident, event, true));
        self.resolved.extend(end);
    }

    fn is_worth_a_write(&self) -> bool {
        !(self.raised.is_empty() && self.resolved.is_empty() && self.addresses.is_empty())
    }

    /// Stores everything, with the mails. Returns the keys of the new incidents.
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
    /// Updates the alert state of every target and collects the events.
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

    /// Returns the URLs whose addresses or instance names have changed.
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

    /// Stores the result and sets the keys of new incidents in their targets.
    pub(super) async fn record(
        &mut self,
        targets: &mut [Target],
        result: Findings,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let mut counts = self.counts.clone();
        for (target, count) in &result.counts {
            let known = counts.entry(target.clone()).or_default();
            known.up += count.up;
            known.down += count.down;
        }
        let is_time = now.duration_since(self.counted_at) >= COUNT_EVERY;
        if is_time || result.is_worth_a_write() {
            let group = self.config.group;
            let written = is_time.then(|| std::mem::take(&mut counts));
            let kept = self.ledger.write(move |tx| {
                let keys = result.keep(tx, written.as_ref(), group, now)?;
                Ok((result, keys))
            });
            let (result, keys) = kept.await?;
            for ((place, raise), key) in result.raised.iter().zip(keys) {
                targets[*place].incident = Some(key);
                let name = &self.config.watched[targets[*place].watched].name;
                self.metrics.incidents.with_label_values(&[name]).inc();
                warn!("{} is down: {:?}", raise.label, raise.seen);
            }
            for end in &result.resolved {
                info!(incident = end.id, "resolved after {} outages", end.falls);
            }
        }
        self.counts = counts;
        self.counted_at = if is_time { now } else { self.counted_at };
        Ok(())
    }
}

/// Converts an alert event into the end of an incident.
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
