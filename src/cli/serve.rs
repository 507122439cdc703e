//! The role `serve`: one instance, which holds no truth of its own and may die at any moment.

mod behind;
mod open;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::{end, files, token};
use crate::campaigns::Campaigns;
use crate::config::{Config, Env, FromEnv, Hosts, LogsConfig, StoreSetting};
use crate::telemetry::logs::{self, Logs};
use crate::web::connection::{self, Crowd};
use crate::web::{self, AppState, health};

/// Connections that may wait to be accepted; the kernel's own bound (`net.core.somaxconn`) is the same.
const BACKLOG: u32 = 4096;

/// Longest time that requests in flight have to finish after SIGTERM.
const DRAIN: Duration = Duration::from_secs(25);

/// Serves until SIGTERM or SIGINT.
pub(super) fn run(env: &Env) -> anyhow::Result<()> {
    let config = Config::from_env(env)?;
    let campaigns = Campaigns::read(&config.campaigns)?;
    let logging = LogsConfig::from_env(env)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let logs = logs::start(&logging, "jornada")?;
        let ended = serve(config, campaigns, &logs).await;
        logs.end().await;
        ended
    })
}

async fn serve(config: Config, campaigns: Campaigns, logs: &Logs) -> anyhow::Result<()> {
    let public = listen("JORNADA_LISTEN", config.listen)?;
    let ops = listen("JORNADA_OPS_LISTEN", config.ops_listen)?;
    let staff_token = staff_token(&config);
    let connections = files::room_for(config.max_connections);
    let stop = CancellationToken::new();
    let app = open::open(config, campaigns, stop.clone()).await?;
    app.metrics.add_logs(logs.dropped())?;
    let limit = i64::try_from(connections).unwrap_or(i64::MAX);
    app.metrics.connections.limit.set(limit);
    if let Some(path) = &staff_token {
        token::make_once(&app.intake.store, &app.audit, path).await?;
    }
    let tasks = TaskTracker::new();
    for campaign in app.campaigns.iter() {
        let kept = app.intake.store.keep_consent(campaign).await;
        kept.context("cannot keep what people agree to")?;
    }
    behind::begin(&app, &tasks, &stop);
    greet(&app, &public, &ops, staff_token.as_deref());
    tasks.spawn(end_when(end::asked()?, stop.clone()));
    // Served until the process ends: `/readyz` must say that it drains.
    tokio::spawn(axum::serve(ops, health::router(&app)).into_future());
    let crowd = Crowd::new(connections, app.metrics.connections.clone());
    let served = connection::serve(public, web::router(&app), crowd, stop.clone());
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        () = served => {}
        () = late => warn!("some requests did not finish in {} s and were cut off", DRAIN.as_secs()),
    }
    tasks.close();
    let rest = async {
        // Requests that were in flight have counted too.
        app.intake.refusals.flush(&app.intake.store).await.ok();
        tasks.wait().await;
    };
    tokio::time::timeout(Duration::from_secs(2), rest)
        .await
        .ok();
    info!("ended");
    Ok(())
}

fn listen(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    bound(address).with_context(|| {
        format!("{setting}: cannot listen on {address}: expected a free address of this machine")
    })
}

/// As `TcpListener::bind` does it, but for the backlog: its 128 are full when nginx brings the connections of a rush,
/// or of an instance that has just died, and whoever comes after them waits a second.
fn bound(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// In embedded mode, where the first token for staff is left.
fn staff_token(config: &Config) -> Option<PathBuf> {
    match &config.store {
        StoreSetting::Sqlite(path) => Some(path.with_file_name("staff-token")),
        StoreSetting::Mongo(_) => None,
    }
}

fn greet(
    app: &AppState,
    public: &TcpListener,
    ops: &TcpListener,
    staff_token: Option<&std::path::Path>,
) {
    let site = match (&app.public_url, public.local_addr()) {
        (Some(url), _) => url.clone(),
        (None, Ok(address)) => format!("http://{address}"),
        (None, Err(_)) => "http://localhost".into(),
    };
    let campaign = &app.campaigns.default().id;
    info!("the form is at {site}/");
    info!("the chart is at {site}/c/{campaign}/chart");
    if let Some(path) = staff_token {
        info!("the staff token is in {}", path.display());
    }
    if app.hosts == Hosts::Any {
        info!("any Host is answered: neither JORNADA_PUBLIC_URL nor JORNADA_HOSTS is set");
    }
    info!("the staff log in at {site}/staff/login");
    info!("the first account is made by: jornada staff add EMAIL --role admin");
    info!("more staff tokens are made by: jornada token new NAME");
    if let Ok(address) = ops.local_addr() {
        info!("metrics and readiness are at http://{address}/metrics and /readyz");
    }
}

async fn end_when(asked: impl Future<Output = ()>, stop: CancellationToken) {
    if stop.run_until_cancelled(asked).await.is_some() {
        info!(
            "ending: no new requests, those in flight have {} s",
            DRAIN.as_secs()
        );
        stop.cancel();
    }
}
