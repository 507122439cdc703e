//! The role `serve`: one instance, which holds no truth of its own and may die at any moment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::{end, files, token};
use crate::abuse::Counts;
use crate::campaigns::Campaigns;
use crate::config::{Config, Env, Hosts, LogsConfig, StoreSetting};
use crate::domain::staff::audit::Doer;
use crate::intake::Intake;
use crate::intake::closings::Closings;
use crate::intake::mover::Mover;
use crate::intake::names;
use crate::intake::photos::PhotoKeeper;
use crate::intake::refusals::Refusals;
use crate::intake::remover::{self, Remover};
use crate::intake::sweep::{self, Sweep};
use crate::intake::vault::Vault;
use crate::photo::Photos;
use crate::report::Reports;
use crate::report::sweeper::Sweeper;
use crate::report::worker::Worker;
use crate::staff::overview::Overviews;
use crate::staff::password::Passwords;
use crate::staff::{Audit, Gate};
use crate::store::Store;
use crate::tally::Tally;
use crate::tally::board::{Board, Source};
use crate::tally::follow::Follower;
use crate::tally::shown::Shown;
use crate::telemetry::logs::{self, Logs};
use crate::telemetry::metrics::{Dependency, Metrics};
use crate::web::budget::UploadBudget;
use crate::web::connection::{self, Crowd};
use crate::web::limit::Limits;
use crate::web::places::Places;
use crate::web::trap::Traps;
use crate::web::{self, App, AppState, MAX_EVENT_CLIENTS, health};
use uuid::Uuid;

/// Connections that may wait to be accepted; the kernel's own bound (`net.core.somaxconn`) is the same.
const BACKLOG: u32 = 4096;

/// Longest time that requests in flight have to finish after SIGTERM.
const DRAIN: Duration = Duration::from_secs(25);

/// Reports written at once: each takes a processor while it lasts.
const REPORTS_AT_ONCE: usize = 1;
/// Reports that may wait for their turn; past them the answer is 503.
const REPORTS_WAITING: usize = 8;

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
    let app = open(config, campaigns, stop.clone()).await?;
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
    follow(&app, &tasks, &stop);
    tasks.spawn(health::keep_asking(app.clone(), stop.clone()));
    tidy(&app, &tasks, &stop);
    make_reports(&app, &tasks, &stop);
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

/// Connects to what there is; only the store must be there.
async fn open(
    config: Config,
    campaigns: Campaigns,
    stop: CancellationToken,
) -> anyhow::Result<AppState> {
    let metrics = Metrics::new().context("cannot register the metrics")?;
    let meter = |dependency| metrics.dependencies.meter(dependency);
    let store = Store::open(&config.store).await.context("JORNADA_STORE")?;
    let store = store.timed(meter(Dependency::Store));
    let vault = Vault::open(store.clone(), &config.photo_keys).await;
    let vault = vault.context("JORNADA_PHOTO_KEY")?;
    let files = Photos::new(&config.photos, vault.seal().clone());
    let files = files.timed(meter(Dependency::Photos));
    let closings = Closings::open(&store).await.context("JORNADA_STORE")?;
    let photos = PhotoKeeper::open(
        files.clone(),
        vault,
        store.clone(),
        config.pending_photos,
        metrics.pending.clone(),
    );
    let photos = photos.await.context("JORNADA_PHOTOS")?;
    let tally = Tally::open(&config.cache, &config.instance).context("JORNADA_CACHE")?;
    let board = Board::new(campaigns.iter().map(|campaign| &campaign.id));
    let shown = Shown::new(board.clone(), campaigns.iter().cloned().collect());
    metrics
        .register(shown)
        .context("cannot register the totals")?;
    metrics.upload_limit.set(config.upload_memory.cast_signed());
    let passwords = Passwords::new(metrics.staff.passwords.clone())?;
    let counts = Counts::open(&config.cache).context("JORNADA_CACHE")?;
    let gate = Gate::new(&config.secret, counts.clone(), config.admin_totp, passwords);
    let bounds = (config.exempt, config.limits);
    let limits = Limits::new(
        &config.secret,
        counts.clone(),
        bounds,
        metrics.abuse.clone(),
    );
    let tally = tally.timed(meter(Dependency::Cache));
    Ok(AppState::new(App {
        board,
        uploads: UploadBudget::new(config.upload_memory, metrics.upload_bytes.clone()),
        places: Places::new(config.max_requests, metrics.requests_in_flight.clone()),
        reports: Reports::new(REPORTS_AT_ONCE, REPORTS_WAITING)
            .asked_by_some_of(metrics.requests_in_flight.clone()),
        files,
        job_asked: Arc::default(),
        event_clients: Arc::new(Semaphore::new(MAX_EVENT_CLIENTS)),
        audit: Audit::new(&config.secret),
        counts,
        limits,
        traps: Traps::of(&config.secret),
        gate,
        overviews: Overviews::new(store.clone()),
        intake: Intake {
            store,
            photos,
            closings,
            secret: config.secret,
            metrics: metrics.clone(),
            refusals: Refusals::default(),
        },
        instance: config.instance,
        public_url: config.public_url,
        hosts: config.hosts,
        campaigns,
        tally,
        metrics,
        stop,
    }))
}

fn follow(app: &AppState, tasks: &TaskTracker, stop: &CancellationToken) {
    for campaign in app.campaigns.iter() {
        let follower = Follower {
            store: app.intake.store.clone(),
            tally: app.tally.clone(),
            campaign: campaign.id.clone(),
            metrics: app.metrics.tally.clone(),
        };
        tasks.spawn(follower.run(stop.clone()));
        let source = Source {
            tally: app.tally.clone(),
            store: app.intake.store.clone(),
        };
        let (board, metrics) = (app.board.clone(), app.metrics.tally.clone());
        tasks.spawn(board.keep(campaign.clone(), source, metrics, stop.clone()));
    }
}

fn make_reports(app: &AppState, tasks: &TaskTracker, stop: &CancellationToken) {
    let (store, files) = (app.intake.store.clone(), app.files.clone());
    let sweeper = Sweeper::new(store.clone(), files.clone());
    tasks.spawn(sweeper.run(stop.clone()));
    let worker = Worker {
        store,
        photos: files,
        campaigns: app.campaigns.clone(),
        metrics: app.metrics.reports.clone(),
        requests: app.metrics.requests_in_flight.clone(),
        asked: Arc::clone(&app.job_asked),
    };
    tasks.spawn(worker.run(stop.clone()));
}

/// What goes on behind the requests.
fn tidy(app: &AppState, tasks: &TaskTracker, stop: &CancellationToken) {
    let store = &app.intake.store;
    let mover = Mover::new(app.intake.photos.clone(), store.clone());
    tasks.spawn(mover.run(stop.clone()));
    let remover = Remover::new(
        app.intake.photos.clone(),
        store.clone(),
        app.metrics.pending.clone(),
        remover::GRACE,
    );
    tasks.spawn(remover.run(stop.clone()));
    let sweep = Sweep {
        store: store.clone(),
        photos: app.files.clone(),
        keeper: app.intake.photos.clone(),
        campaigns: app.campaigns.iter().cloned().collect(),
        audit: Audit::new(&app.intake.secret),
        doer: Doer::System,
        is_dry: false,
        id: Uuid::new_v4(),
    };
    tasks.spawn(sweep.run(sweep::FIRST, sweep::EVERY, stop.clone()));
    let campaigns = app.campaigns.iter().cloned().collect();
    let closings = app.intake.closings.clone();
    tasks.spawn(closings.keep(store.clone(), stop.clone()));
    tasks.spawn(names::keep_filling(store.clone(), campaigns, stop.clone()));
    let campaigns = app.campaigns.iter().cloned().collect();
    tasks.spawn(app.overviews.clone().keep_counted(campaigns, stop.clone()));
    let refusals = app.intake.refusals.clone();
    tasks.spawn(refusals.keep_flushing(store.clone(), stop.clone()));
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
