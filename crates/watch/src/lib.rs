//! Watcher: probes every instance and mails the administrator when it goes down and when it is back, and
//! every four hours in between.
//!
//! Three tasks share an on-disk [`store`]. The probe loop ([`probe_loop`]) probes the targets, decides through
//! [`alert`] and records each incident together with its mail. The mailer ([`mailer`]) sends each mail until the server
//! accepts it. The leader election ([`shared_state`]) lets one of several watchers send.

#[macro_use]
extern crate jornada_runtime;

pub mod alert;
pub mod mail;
pub mod mailer;
pub mod metrics;
pub mod notification;
pub mod page;
pub mod probe;
pub mod probe_loop;
pub mod restore;
pub mod retry;
pub mod setting;
pub mod shared_state;
pub mod snapshot;
pub mod store;
pub mod sync;
pub mod target;
pub mod transport;

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
use page::StatusPageState;
use probe::Prober;
use probe_loop::ProbeLoop;
use restore::restore_targets;
use setting::WatchConfig;
use shared_state::{HEARTBEAT_INTERVAL, LeaderElection, Leadership, SharedState};
use snapshot::StatusSnapshot;
use store::WatchStore;
use transport::MailTransport;

/// Starts the watcher and returns the router of its own port. `dropped` is exported with the metrics.
pub async fn start(
    config: WatchConfig,
    dropped: &DroppedLines,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Router> {
    let config = Arc::new(config);
    let store = WatchStore::open(&config.data_folder).context("JORNADA_WATCH_DATA")?;
    let metrics =
        WatchMetrics::new(&config.watched, dropped).context("cannot register the metrics")?;
    let transport = MailTransport::new(&config.mail)?;
    let shared_state = SharedState::open(&config)?;
    let prober = Prober::new(config.timeout).context("cannot create the HTTP client")?;
    let targets = restore_targets(&store, &config).await?;
    let snapshot = watch::Sender::new(StatusSnapshot::default());
    let initial = if shared_state.is_some() {
        Leadership::Standby
    } else {
        Leadership::Standalone
    };
    let leadership = watch::Sender::new((initial, false));
    let state = StatusPageState {
        watcher: config.instance.clone(),
        zone: config.links.zone.clone(),
        snapshot: snapshot.subscribe(),
        leadership: leadership.subscribe(),
        store: store.clone(),
        metrics: metrics.clone(),
    };
    let mailer = Mailer {
        config: config.clone(),
        store: store.clone(),
        shared_state: shared_state.clone(),
        leadership: leadership.subscribe(),
        snapshot: snapshot.subscribe(),
        transport,
        metrics: metrics.clone(),
    };
    tasks.spawn(mailer.run(stop.clone()));
    tasks.spawn(run_election(
        shared_state,
        leadership,
        metrics.clone(),
        stop.clone(),
    ));
    let probe_loop = ProbeLoop {
        config,
        prober,
        store,
        metrics,
        snapshot,
        targets,
        pending_counts: std::collections::BTreeMap::new(),
        counts_stored_at: Timestamp::now(),
    };
    tasks.spawn(probe_loop.run(stop.clone()));
    Ok(page::router(state))
}

/// Takes part in the leader election until `stop`, then resigns.
async fn run_election(
    shared_state: Option<SharedState>,
    leadership: watch::Sender<(Leadership, bool)>,
    metrics: WatchMetrics,
    stop: CancellationToken,
) {
    let Some(shared_state) = shared_state else {
        metrics.leader.set(1);
        return;
    };
    let mut election = LeaderElection::new(Instant::now());
    let mut beats = background::every(HEARTBEAT_INTERVAL, &stop);
    let mut beat = async || {
        let answer = shared_state.acquire_lease().await.ok();
        let current = election.update(answer, Instant::now());
        let before = leadership.send_replace((current, answer.is_some())).0;
        metrics.leader.set(current.sends_mails().into());
        if before != current {
            info!("leadership among the watchers changed to {current:?}");
        }
    };
    while beats.repeat(beat()).await {}
    shared_state.release_lease().await.ok();
}
