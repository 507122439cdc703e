//! The alerter: looks at every instance, and tells the administrator once that one is gone and once that it is back.
//!
//! Three tasks share a [`ledger`] on disk. The rounds ([`round`]) look at targets, let [`incident`] judge and record
//! what it says together with its mail. The courier ([`courier`]) hands mails over until they are taken. The beat keeps
//! the lead among the watchers of one system ([`share`]), so that one of them sends.

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

/// Begins to watch; answers what is to be served on the watcher's port, with the count of `dropped` log lines.
///
/// # Errors
/// A setting that a client refuses; a ledger that cannot be used.
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
    let prober = Prober::new(config.timeout).context("cannot make a client")?;
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

/// Takes and keeps the lead, and gives it up at the end.
async fn beat(
    share: Option<Share>,
    told: watch::Sender<(Lead, bool)>,
    metrics: Metrics,
    stop: CancellationToken,
) {
    let Some(share) = share else {
        metrics.leader.set(1);
        return;
    };
    let mut beats = Beats::new(Instant::now());
    let mut ticks = tokio::time::interval(BEAT);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let answer = share.lead().await.ok();
        let lead = beats.beat(answer, Instant::now());
        let before = told.send_replace((lead, answer.is_some())).0;
        metrics.leader.set(lead.sends().into());
        if before != lead {
            info!("the lead among the watchers: {lead:?}");
        }
    }
    share.resign().await.ok();
}
