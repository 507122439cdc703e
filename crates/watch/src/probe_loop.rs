//! Probe loop: probes every target and records the resulting alert events. A round that cannot be recorded is
//! discarded, so that memory never holds what the disk does not.

mod findings;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Instant;

use derive_more::Deref;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::probe::{ProbeOutcome, ProbeResult, Prober};
use super::snapshot::{StatusSnapshot, TargetStatus};
use super::store::history::{self, Maintenance, ProbeCount};
use super::target::{Target, update_addresses};
use super::watcher::Watcher;

/// Maximum number of concurrent probes.
const CONCURRENCY: usize = 256;

/// Task that runs the rounds.
#[derive(Debug, Deref)]
pub struct ProbeLoop {
    #[deref]
    pub(super) watcher: Watcher,
    pub(super) prober: Prober,
    pub(super) targets: Vec<Target>,
    /// Probes that are not stored yet, by target.
    pub(super) pending_counts: BTreeMap<String, ProbeCount>,
    pub(super) counts_stored_at: Timestamp,
}

impl ProbeLoop {
    /// Runs rounds until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.config.probe_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.run_round().await {
                self.metrics.unrecorded.inc();
                error!("cannot record a round, repeating it: {error:#}");
            }
        }
    }

    async fn run_round(&mut self) -> anyhow::Result<()> {
        let maintenance = self.store.run_transaction(history::latest_maintenance);
        let maintenance = maintenance
            .await?
            .filter(|maintenance| maintenance.is_active(Timestamp::now()));
        // Works on a copy, which replaces the targets once it is stored.
        let mut targets = self.targets.clone();
        let removed = self.resolve_targets(&mut targets).await;
        // Concurrently, so that a round without any answer takes no longer than others.
        let ((), neutral_fails) =
            tokio::join!(self.probe_all(&mut targets), self.neutral_check_fails());
        let cut_off = neutral_fails && targets.iter().all(|one| one.up_since.is_none());
        let now = Timestamp::now();
        let mut result = self.evaluate(&mut targets, maintenance.is_some(), cut_off, now);
        for gone in removed {
            result.end_incident(gone, now);
        }
        self.record(&mut targets, result, now).await?;
        self.targets = targets;
        let snapshot = self.build_snapshot(maintenance, now);
        self.metrics.record_round(&snapshot);
        self.snapshot.send_replace(snapshot);
        Ok(())
    }

    /// Updates the targets to the current addresses of their names. Returns the targets that are no longer watched.
    async fn resolve_targets(&self, targets: &mut Vec<Target>) -> Vec<Target> {
        let watched = self.config.watched.iter();
        let found = join_all(watched.map(|one| self.prober.resolve(&one.url))).await;
        let now = Timestamp::now();
        let nowhere = BTreeSet::new();
        let mut removed = Vec::new();
        for (watched, found) in found.iter().enumerate() {
            let known = targets.iter().any(|one| one.watched == watched);
            // If the resolver fails, the known addresses stay.
            if found.is_some() || !known {
                let found = found.as_ref().unwrap_or(&nowhere);
                let rules = &self.config.rules;
                removed.extend(update_addresses(targets, watched, found, rules, now));
            }
        }
        removed
    }

    async fn probe_all(&self, targets: &mut [Target]) {
        let probes = targets.iter();
        let probes: Vec<_> = probes
            .map(|one| self.probe_one(one.watched, one.address))
            .collect();
        let outcomes = stream::iter(probes).buffered(CONCURRENCY);
        let outcomes: Vec<ProbeOutcome> = outcomes.collect().await;
        let now = Timestamp::now();
        for (target, outcome) in targets.iter_mut().zip(outcomes) {
            target.apply_outcome(outcome, now);
        }
    }

    async fn probe_one(&self, watched: usize, address: Option<SocketAddr>) -> ProbeOutcome {
        let Some(address) = address else {
            return ProbeResult::NoName.into();
        };
        let watched = &self.config.watched[watched];
        let start = Instant::now();
        let outcome = self.prober.probe(watched, address).await;
        let durations = self.metrics.probes.with_label_values(&[&watched.name]);
        durations.observe(start.elapsed().as_secs_f64());
        outcome
    }

    /// Returns whether the neutral check fails too. It is only made after a round without any healthy target.
    async fn neutral_check_fails(&self) -> bool {
        match &self.config.neutral {
            Some((host, port)) if self.targets.iter().all(|one| one.up_since.is_none()) => {
                !self.prober.is_reachable(host, *port).await
            }
            _ => false,
        }
    }

    fn build_snapshot(&self, maintenance: Option<Maintenance>, now: Timestamp) -> StatusSnapshot {
        let status = |target: &Target| {
            let watched = &self.config.watched[target.watched];
            TargetStatus {
                target: target.key(watched),
                label: target.label(watched),
                name: watched.name.clone(),
                is_instance: watched.is_instance,
                up_since: target.up_since,
                down_since: target.alert.raised_since(),
                last_result: target.last_result.clone(),
            }
        };
        StatusSnapshot {
            finished_at: Some(now),
            targets: self.targets.iter().map(status).collect(),
            maintenance,
        }
    }
}
