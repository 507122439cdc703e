//! Result of a round: the alert events, stored in one transaction.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;
use tracing::{info, warn};
use uuid::Uuid;

use super::ProbeLoop;
use crate::alert::AlertEvent;
use crate::probe::ProbeResult;
use crate::store::history::{self, KnownAddresses, ProbeCount};
use crate::store::incidents::{self, IncidentEnd, NewIncident};
use crate::store::outbox;
use crate::target::Target;

/// Interval at which availability is stored. A crash loses at most these counts.
const COUNT_INTERVAL: SignedDuration = SignedDuration::from_secs(30);
/// Retention of resolved incidents and closed mails.
const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Changes to record after a round.
#[derive(Debug, Default)]
pub(super) struct RoundResult {
    /// New incidents, with the indices of their targets.
    raised: Vec<(usize, NewIncident)>,
    resolved: Vec<IncidentEnd>,
    /// Probes that are not stored yet.
    counts: BTreeMap<String, ProbeCount>,
    addresses: Vec<(String, KnownAddresses)>,
}

impl RoundResult {
    /// Ends the incident of a target that is no longer watched.
    pub(super) fn end_incident(&mut self, mut target: Target, now: Timestamp) {
        let event = target.alert.end_incident(now);
        let end = event.and_then(|event| to_incident_end(target.incident_key, event, true));
        self.resolved.extend(end);
    }

    fn needs_write(&self) -> bool {
        !(self.raised.is_empty() && self.resolved.is_empty() && self.addresses.is_empty())
    }

    /// Stores everything, with the mails. Returns the keys of the new incidents.
    fn store(
        &self,
        tx: &Transaction,
        with_counts: bool,
        group: SignedDuration,
        now: Timestamp,
    ) -> rusqlite::Result<Vec<i64>> {
        for (url, known) in &self.addresses {
            history::replace_addresses(tx, url, known)?;
        }
        if with_counts {
            history::add_counts(tx, &self.counts, now)?;
            outbox::prune(tx, now - RETENTION)?;
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

impl ProbeLoop {
    /// Updates the alert state of every target and collects the events.
    pub(super) fn evaluate(
        &self,
        targets: &mut [Target],
        paused: bool,
        cut_off: bool,
        now: Timestamp,
    ) -> RoundResult {
        let mut result = RoundResult {
            counts: self.pending_counts.clone(),
            ..RoundResult::default()
        };
        for (index, target) in targets.iter_mut().enumerate() {
            let Some(seen) = target.last_result.clone() else {
                continue;
            };
            let watched = &self.config.watched[target.watched];
            let is_up = seen == ProbeResult::Healthy;
            if !paused {
                let count = result.counts.entry(target.key(watched)).or_default();
                count.up += u32::from(is_up);
                count.down += u32::from(!is_up);
            }
            match target.alert.observe(&self.config.rules, is_up, paused, now) {
                Some(AlertEvent::Raised { since }) => result.raised.push((
                    index,
                    NewIncident {
                        shared_id: Uuid::new_v4().simple().to_string(),
                        target: target.key(watched),
                        label: target.label(watched),
                        is_instance: watched.is_instance,
                        since,
                        probe_result: seen,
                        cut_off,
                    },
                )),
                Some(event) => {
                    let key = target.incident_key.take();
                    result.resolved.extend(to_incident_end(key, event, false));
                }
                None => {}
            }
        }
        result.addresses = self.changed_addresses(targets);
        result
    }

    /// Returns the URLs whose addresses or instance names have changed.
    fn changed_addresses(&self, targets: &[Target]) -> Vec<(String, KnownAddresses)> {
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
        mut result: RoundResult,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let is_time = now.duration_since(self.counts_stored_at) >= COUNT_INTERVAL;
        if is_time || result.needs_write() {
            let group = self.config.group_period;
            let stored = self.store.run_transaction(move |tx| {
                let keys = result.store(tx, is_time, group, now)?;
                Ok((result, keys))
            });
            let keys;
            (result, keys) = stored.await?;
            for ((place, raise), key) in result.raised.iter().zip(keys) {
                targets[*place].incident_key = Some(key);
                let name = &self.config.watched[targets[*place].watched].name;
                self.metrics.incidents.with_label_values(&[name]).inc();
                warn!("{} is down: {:?}", raise.label, raise.probe_result);
            }
            for end in &result.resolved {
                info!(incident = end.id, "resolved after {} outages", end.outages);
            }
        }
        self.pending_counts = result.counts;
        if is_time {
            self.pending_counts.clear();
            self.counts_stored_at = now;
        }
        Ok(())
    }
}

/// Converts an alert event into the end of an incident.
fn to_incident_end(
    incident: Option<i64>,
    event: AlertEvent,
    address_removed: bool,
) -> Option<IncidentEnd> {
    match event {
        AlertEvent::Resolved { until, outages } => Some(IncidentEnd {
            id: incident?,
            until,
            outages,
            address_removed,
        }),
        AlertEvent::Raised { .. } => None,
    }
}
