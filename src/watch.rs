//! Watcher: probes every instance and mails the administrator once when it goes down and once when it is back.
//!
//! Three tasks share an on-disk [`ledger`]. The probe loop ([`round`]) probes the targets, decides through [`incident`]
//! and records each incident together with its mail. The mailer ([`courier`]) sends each mail until the server accepts
//! it. The leader election ([`share`]) lets one of several watchers send.

pub mod board;
pub mod courier;
pub mod incident;
pub mod knowledge;
pub mod ledger;
pub mod mail;
pub mod metrics;
pub mod page;
pub mod patience;
pub mod post;
pub mod probe;
pub mod recall;
pub mod round;
pub mod setting;
pub mod share;
pub mod target;
pub mod told;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use axum::Router;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::telemetry::logs::Dropped;
use board::Board;
use courier::Courier;
use ledger::Ledger;
use metrics::Metrics;
use page::Shown;
use post::Post;
use probe::Prober;
use recall::recall;
use round::Rounds;
use setting::WatchConfig;
use share::{BEAT, Beats, Lead, Share};

/// Starts the watcher and returns the router of its own port. `dropped` is exported with the metrics.
pub async fn begin(
    config: WatchConfig,
    dropped: &Dropped,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Router> {
    let config = Arc::new(config);
    let ledger = Ledger::open(&config.data).context("JORNADA_WATCH_DATA")?;
    let metrics = Metrics::new(&config.watched, dropped).context("cannot register the metrics")?;
    let post = Post::open(&config.mail)?;
    let share = Share::open(&config)?;
    let prober = Prober::new(config.timeout).context("cannot create the HTTP client")?;
    let targets = recall(&ledger, &config).await?;
    let board = watch::Sender::new(Board::default());
    let begun = if share.is_some() {
        Lead::Waits
    } else {
        Lead::Alone
    };
    let lead = watch::Sender::new((begun, false));
    let shown = Shown {
        watcher: config.instance.clone(),
        zone: config.links.zone.clone(),
        board: board.subscribe(),
        lead: lead.subscribe(),
        ledger: ledger.clone(),
        metrics: metrics.clone(),
    };
    let courier = Courier {
        config: config.clone(),
        ledger: ledger.clone(),
        share: share.clone(),
        lead: lead.subscribe(),
        board: board.subscribe(),
        post,
        metrics: metrics.clone(),
    };
    tasks.spawn(courier.run(stop.clone()));
    tasks.spawn(beat(share, lead, metrics.clone(), stop.clone()));
    let rounds = Rounds {
        config,
        prober,
        ledger,
        metrics,
        board,
        targets,
        counts: std::collections::BTreeMap::new(),
        counted_at: Timestamp::now(),
    };
    tasks.spawn(rounds.run(stop.clone()));
    Ok(page::router(shown))
}

/// Takes part in the leader election until `stop`, then resigns.
async fn beat(
    shared_state: Option<Share>,
    told: watch::Sender<(Lead, bool)>,
    metrics: Metrics,
    stop: CancellationToken,
) {
    let Some(shared_state) = shared_state else {
        metrics.leader.set(1);
        return;
    };
    let mut beats = Beats::new(Instant::now());
    let mut ticks = tokio::time::interval(BEAT);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let answer = shared_state.lead().await.ok();
        let lead = beats.beat(answer, Instant::now());
        let before = told.send_replace((lead, answer.is_some())).0;
        metrics.leader.set(lead.sends().into());
        if before != lead {
            info!("leadership among the watchers changed to {lead:?}");
        }
    }
    shared_state.resign().await.ok();
}
