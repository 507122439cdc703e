//! Watcher: probes every instance and mails the administrator when it goes down and when it is back, and
//! every four hours in between.
//!
//! Three tasks share an on-disk `store`. The probe loop (`probe_loop`) probes the targets, decides through
//! `alert` and records each incident together with its mail. The mailer (`mailer`) sends each mail until the server
//! accepts it. The leader election (`shared_state`) lets one of several watchers send.

#[macro_use]
extern crate jornada_runtime;

mod alert;
pub mod mail;
mod mailer;
mod metrics;
mod notification;
mod page;
mod probe;
mod probe_loop;
mod restore;
mod retry;
pub mod setting;
mod shared_state;
pub mod snapshot;
pub mod store;
mod sync;
mod target;
pub mod transport;
mod watcher;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use axum::Router;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use jornada_runtime::background;
use jornada_runtime::logs::DroppedLines;
use mailer::Mailer;
use metrics::WatchMetrics;
use probe::Prober;
use probe_loop::ProbeLoop;
use restore::restore_targets;
use setting::WatchConfig;
use shared_state::{HEARTBEAT_INTERVAL, LeaderElection, Leadership, SharedState};
use store::WatchStore;
use transport::MailTransport;
use watcher::Watcher;

/// Starts the watcher and returns the router of its own port. `dropped` is exported with the metrics.
pub async fn start(
    config: WatchConfig,
    dropped: &DroppedLines,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Router> {
    let store = WatchStore::open(&config.data_folder).context("JORNADA_WATCH_DATA")?;
    let metrics =
        WatchMetrics::new(&config.watched, dropped).context("cannot register the metrics")?;
    let transport = MailTransport::new(&config.mail)?;
    let shared_state = SharedState::open(&config)?;
    let prober = Prober::new(config.timeout).context("cannot create the HTTP client")?;
    let targets = restore_targets(&store, &config).await?;
    let initial = if shared_state.is_some() {
        Leadership::Standby
    } else {
        Leadership::Standalone
    };
    let watcher = Watcher {
        config: Arc::new(config),
        store,
        metrics,
        snapshot: watch::Sender::default(),
        leadership: watch::Sender::new((initial, false)),
    };
    let mailer = Mailer {
        watcher: watcher.clone(),
        shared_state: shared_state.clone(),
        transport,
    };
    tasks.spawn(mailer.run(stop.clone()));
    tasks.spawn(run_election(shared_state, watcher.clone(), stop.clone()));
    let probe_loop = ProbeLoop {
        watcher: watcher.clone(),
        prober,
        targets,
        pending_counts: BTreeMap::new(),
        counts_stored_at: Timestamp::now(),
    };
    tasks.spawn(probe_loop.run(stop.clone()));
    Ok(page::router(watcher))
}

/// Takes part in the leader election until `stop`, then resigns.
async fn run_election(
    shared_state: Option<SharedState>,
    watcher: Watcher,
    stop: CancellationToken,
) {
    let Some(shared_state) = shared_state else {
        watcher.metrics.leader.set(1);
        return;
    };
    let mut election = LeaderElection::new(Instant::now());
    let mut beats = background::every(HEARTBEAT_INTERVAL, &stop);
    let mut beat = async || {
        let answer = shared_state.acquire_lease().await.ok();
        let current = election.update(answer, Instant::now());
        let state = (current, answer.is_some());
        let before = watcher.leadership.send_replace(state).0;
        watcher.metrics.leader.set(current.sends_mails().into());
        if before != current {
            info!("leadership among the watchers changed to {current:?}");
        }
    };
    while beats.run(beat()).await {}
    shared_state.release_lease().await.ok();
}
