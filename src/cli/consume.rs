//! `jornada consume`: takes votes from the queue into the store.

use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::role::run_role;
use super::serve::listen;
use super::shutdown;
use crate::config::{ConsumeConfig, Env};
use crate::consume::{self, ConsumeMetrics, ConsumeState};
use jornada_queue::{Consumer, Observer};
use jornada_runtime::logs::Logs;
use jornada_runtime::metrics::Dependency;
use jornada_service::campaigns::Campaigns;
use jornada_service::registrations::closure_cache::ClosureCache;
use jornada_service::votes::consumer::VoteConsumer;
use jornada_service::votes::queued::VoteJudge;
use jornada_store::Store;

/// Timeout after SIGTERM for the batches in flight.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(25);

/// Consumes until SIGTERM or SIGINT.
pub(super) fn run(env: &Env) -> anyhow::Result<()> {
    let config = ConsumeConfig::from_env(env)?;
    let campaigns = Campaigns::read(&config.campaigns)?;
    run_role(env, async |logs| {
        run_consumer(&config, campaigns, logs).await
    })
}

async fn run_consumer(
    config: &ConsumeConfig,
    campaigns: Campaigns,
    logs: &Logs,
) -> anyhow::Result<()> {
    let ops = listen("JORNADA_OPS_LISTEN", config.ops_listen)?;
    let metrics = ConsumeMetrics::new().context("cannot register metrics")?;
    metrics.register_log_drops(logs.dropped())?;
    let store = Store::open(&config.store).await.context("JORNADA_STORE")?;
    let store = store.with_meter(metrics.dependencies.meter(Dependency::Store));
    let closures = ClosureCache::load(&store).await.context("JORNADA_STORE")?;
    let stop = CancellationToken::new();
    let stop_reading = stop.child_token();
    let observer = Observer::open(&config.queue).context("JORNADA_QUEUE")?;
    let observer = observer.context("JORNADA_QUEUE")?;
    let reader = Consumer::start(
        &config.queue,
        &config.instance,
        metrics.queue.clone(),
        stop_reading.clone(),
    );
    let reader = reader.context("JORNADA_QUEUE")?.context("JORNADA_QUEUE")?;
    tokio::spawn(closures.clone().poll_until(store.clone(), stop.clone()));
    tokio::spawn(
        observer
            .clone()
            .run(metrics.queue_state.clone(), stop.clone()),
    );
    let consumer = VoteConsumer::new(
        store.clone(),
        VoteJudge::new(campaigns, closures, config.secret.clone()),
        metrics.votes.clone(),
        stop_reading,
        stop.clone(),
    );
    let state = ConsumeState::new(config.instance.clone(), store, observer, metrics, &stop);
    tokio::spawn(consume::poll(state.clone(), stop.clone()));
    if let Ok(address) = ops.local_addr() {
        info!("metrics and readiness are at http://{address}/metrics and /readyz");
    }
    // Not stopped before the process ends: `/readyz` reports that it is draining.
    tokio::spawn(axum::serve(ops, consume::router(state)).into_future());
    let signal = shutdown::listen()?;
    let mut consuming = tokio::spawn(consumer.run(reader));
    // After too many dead letters it has ended, and the process goes on to report that.
    signal.await;
    info!(
        "shutting down: the batches in flight have {} s",
        SHUTDOWN_TIMEOUT.as_secs()
    );
    stop.cancel();
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut consuming)
        .await
        .is_err()
    {
        warn!("some votes were not stored in time: they are read again");
    }
    info!("ended");
    Ok(())
}
