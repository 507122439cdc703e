//! `jornada serve`: runs one instance.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::role::run_role;
use super::{file_limit, shutdown, token};
use crate::app::{self, App, background};
use crate::config::{Env, GrpcListen, Hosts, ServeConfig};
use crate::grpc;
use crate::web::connection::{self, ConnectionLimiter, Protocol};
use crate::web::tally_metrics::VoteTallyCollector;
use crate::web::{self, AppState, health};
use jornada_runtime::logs::Logs;
use jornada_runtime::metrics::gauge_value;
use jornada_service::campaigns::Campaigns;
use jornada_store::StoreSetting;

/// Maximum number of connections not yet accepted; the default of `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Timeout of requests in flight after SIGTERM.
const DRAIN: Duration = Duration::from_secs(25);

/// Timeout of background tasks after the last request.
const TASKS_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct ServeArgs {
    /// Only show results, charts, lists and votes; refuse everything that changes something, and do not serve gRPC
    #[arg(long)]
    read_only: bool,
}

/// Serves until SIGTERM or SIGINT.
pub(super) fn run(env: &Env, args: ServeArgs) -> anyhow::Result<()> {
    let mut config = ServeConfig::from_env(env)?;
    if args.read_only {
        config.is_read_only = true;
        config.grpc_listen = GrpcListen::None;
    }
    let campaigns = Campaigns::read(&config.campaigns)?;
    run_role(env, async |logs| serve(&config, campaigns, logs).await)
}

async fn serve(config: &ServeConfig, campaigns: Campaigns, logs: &Logs) -> anyhow::Result<()> {
    let public = listen("JORNADA_LISTEN", config.listen)?;
    let ops = listen("JORNADA_OPS_LISTEN", config.ops_listen)?;
    let grpc = match config.grpc_listen {
        GrpcListen::None | GrpcListen::Public => None,
        GrpcListen::Address(address) => Some(listen("JORNADA_GRPC_LISTEN", address)?),
    };
    let connections = file_limit::raise_file_limit(config.max_connections);
    let stop = CancellationToken::new();
    let app = Arc::new(app::build(config, campaigns, stop.clone()).await?);
    app.metrics.register_log_drops(logs.dropped())?;
    app.metrics.connections.limit.set(gauge_value(connections));
    let staff_token = staff_token_path(config).filter(|_| !config.is_read_only);
    if !config.is_read_only {
        prepare_store(&app, staff_token.as_deref()).await?;
    }
    let tasks = TaskTracker::new();
    let state = AppState::new(Arc::clone(&app), config);
    let tallies = VoteTallyCollector::new(&app, &state.tally_views);
    app.metrics.register(tallies)?;
    background::start(&app, &tasks);
    tasks.spawn(health::poll_dependencies(state.clone(), stop.clone()));
    log_addresses(&state, &public, &ops, staff_token.as_deref());
    log_grpc_address(config.grpc_listen, grpc.as_ref().unwrap_or(&public));
    tasks.spawn(stop_on_signal(shutdown::listen()?, stop.clone()));
    // Not stopped before the process ends: `/readyz` reports that the instance is draining.
    tokio::spawn(axum::serve(ops, health::router(&state)).into_future());
    let limiter = ConnectionLimiter::new(connections, app.metrics.connections.clone());
    let (site, votes) = (web::router(&state), grpc::router(&state)?);
    let (site, protocol) = match config.grpc_listen {
        GrpcListen::Public => (site.merge(votes.clone()), Protocol::Either(grpc::LIMITS)),
        _ => (site, Protocol::Http1),
    };
    let served = async {
        let http = connection::serve(public, protocol, site, limiter.clone(), stop.clone());
        let grpc = async {
            if let Some(listener) = grpc {
                let votes = votes.fallback(grpc::refuse_unknown_method);
                let protocol = Protocol::Http2(grpc::LIMITS);
                connection::serve(listener, protocol, votes, limiter, stop.clone()).await;
            }
        };
        tokio::join!(http, grpc);
        state.writes.close();
        state.writes.wait().await;
    };
    let drain_timeout = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        () = served => {}
        () = drain_timeout => warn!("some requests did not finish in {} s and were cut off", DRAIN.as_secs()),
    }
    finish_tasks(&app, &tasks).await;
    info!("ended");
    Ok(())
}

/// Stores the consent texts, and in embedded mode the first staff token.
async fn prepare_store(app: &App, staff_token: Option<&Path>) -> anyhow::Result<()> {
    if let Some(path) = staff_token {
        token::create_first_token(&app.store, &app.audit_log, path).await?;
    }
    for campaign in app.campaigns.iter() {
        let stored = app.store.insert_consent(campaign).await;
        stored.context("cannot store the consent texts")?;
    }
    Ok(())
}

/// Waits for the background tasks, up to [`TASKS_TIMEOUT`].
async fn finish_tasks(app: &App, tasks: &TaskTracker) {
    tasks.close();
    let finished = async {
        // Includes registrations and votes whose clients are gone.
        app.registrations.batcher.drain().await;
        app.votes.batcher.drain().await;
        // Includes the requests that were in flight when the tasks stopped.
        app.registrations.rejections.flush(&app.store).await.ok();
        let counters = app.admission.counters();
        counters.return_tokens(Timestamp::now()).await;
        app.registrations.photos.close().await.ok();
        tasks.wait().await;
    };
    tokio::time::timeout(TASKS_TIMEOUT, finished).await.ok();
}

/// Listens on the address of a setting.
pub(super) fn listen(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(address).with_context(|| {
        format!("{setting}: cannot listen on {address}: expected a free address of this machine")
    })
}

/// Like `TcpListener::bind`, with a longer backlog. The default of 128 fills up when nginx opens many connections at
/// once, under load or after another instance died. Each further connection then waits for a second.
fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Returns the file for the first staff token, in embedded mode.
fn staff_token_path(config: &ServeConfig) -> Option<PathBuf> {
    match &config.store {
        StoreSetting::Sqlite(path) => Some(path.with_file_name("staff-token")),
        StoreSetting::Mongo(_) => None,
    }
}

fn log_addresses(
    state: &AppState,
    public: &TcpListener,
    ops: &TcpListener,
    staff_token: Option<&Path>,
) {
    let site = match (&state.public_url, public.local_addr()) {
        (Some(url), _) => url.clone(),
        (None, Ok(address)) => format!("http://{address}"),
        (None, Err(_)) => "http://localhost".into(),
    };
    let campaign = &state.campaigns.default().id;
    info!("the form is at {site}/");
    info!("the chart is at {site}/c/{campaign}/chart");
    if let Some(path) = staff_token {
        info!("the staff token is in {}", path.display());
    }
    if state.hosts == Hosts::Any {
        info!("any Host is accepted: neither JORNADA_PUBLIC_URL nor JORNADA_HOSTS is set");
    }
    info!("staff log in at {site}/staff/login");
    info!("create the first account with: jornada staff add EMAIL --role admin");
    info!("create more staff tokens with: jornada token new NAME");
    if let Ok(address) = ops.local_addr() {
        info!("metrics and readiness are at http://{address}/metrics and /readyz");
    }
}

fn log_grpc_address(setting: GrpcListen, listener: &TcpListener) {
    if setting != GrpcListen::None
        && let Ok(address) = listener.local_addr()
    {
        info!("gRPC is at http://{address}/");
    }
}

async fn stop_on_signal(signal: impl Future<Output = ()>, stop: CancellationToken) {
    if stop.run_until_cancelled(signal).await.is_some() {
        info!(
            "shutting down: no new requests, those in flight have {} s",
            DRAIN.as_secs()
        );
        stop.cancel();
    }
}
