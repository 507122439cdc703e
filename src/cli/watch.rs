//! `jornada watch`: mails the administrator when an instance goes down and when it is back.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::admin_context::block_on;
use super::serve::listen;
use super::shutdown;
use crate::config::{Env, FromEnv, log_unknown_settings, watch_data_folder};
use jornada_runtime::logs::{self, Logs, LogsConfig};
use jornada_watch as watch;
use jornada_watch::mail::MailContent;
use jornada_watch::setting::{MailConfig, WatchConfig, WatchLinks};
use jornada_watch::snapshot::InstanceCount;
use jornada_watch::store::history::{self, Maintenance};
use jornada_watch::store::{WatchStore, lock_folder};
use jornada_watch::transport::MailTransport;

/// Maximum number of blocking threads, for disk and name resolution.
const MAX_BLOCKING_THREADS: usize = 32;
/// Time after SIGTERM for a mail that is being sent.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum duration of planned maintenance.
const MAX_MAINTENANCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Maximum length of a reason, in characters.
const MAX_REASON_CHARS: usize = 200;

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Send a test mail and print the reply of the mail server
    #[arg(long, conflicts_with_all = ["pause", "resume"])]
    test_mail: bool,
    /// Start planned maintenance, such as 30m or 2h: no mails about new incidents
    #[arg(
        long,
        value_name = "TIME",
        requires = "reason",
        conflicts_with = "resume"
    )]
    pause: Option<SignedDuration>,
    /// Reason, shown on the status page
    #[arg(long, requires = "pause")]
    reason: Option<String>,
    /// End planned maintenance early
    #[arg(long)]
    resume: bool,
}

/// Runs the command.
pub(super) fn run(env: &Env, args: WatchArgs) -> anyhow::Result<()> {
    if args.test_mail {
        return send_test_mail(env);
    }
    if args.resume {
        return set_maintenance(env, SignedDuration::ZERO, String::new());
    }
    if let (Some(time), Some(reason)) = (args.pause, args.reason) {
        ensure!(
            time > SignedDuration::ZERO && time <= MAX_MAINTENANCE,
            "--pause: expected a time such as 30m, at most 7 days"
        );
        let reason = reason.trim().to_owned();
        ensure!(
            (1..=MAX_REASON_CHARS).contains(&reason.chars().count())
                && !reason.chars().any(char::is_control),
            "--reason: expected 1 to {MAX_REASON_CHARS} characters, no control characters"
        );
        return set_maintenance(env, time, reason);
    }
    let config = WatchConfig::from_env(env)?;
    let logging = LogsConfig::from_env(env)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()?;
    runtime.block_on(async {
        let logs = logs::start(&logging, "watch")?;
        log_unknown_settings(env);
        let ended = run_watcher(config, &logs).await;
        logs.shut_down().await;
        ended
    })
}

async fn run_watcher(config: WatchConfig, logs: &Logs) -> anyhow::Result<()> {
    let _held = lock_folder(&config.data_folder).context("JORNADA_WATCH_DATA")?;
    let listener = listen("JORNADA_WATCH_LISTEN", config.listen)?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let router = watch::start(config, logs.dropped(), &tasks, &stop).await?;
    let address = listener.local_addr()?;
    info!("the status page is at http://{address}/");
    let signal = shutdown::listen()?;
    // Served until the process exits.
    tokio::spawn(axum::serve(listener, router).into_future());
    signal.await;
    info!(
        "ending: waiting up to {} s for a mail that is being sent",
        SHUTDOWN_TIMEOUT.as_secs()
    );
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, tasks.wait())
        .await
        .is_err()
    {
        bail!("a mail was not sent in time and will be sent at the next start");
    }
    info!("ended");
    Ok(())
}

fn send_test_mail(env: &Env) -> anyhow::Result<()> {
    let config = MailConfig::from_env(env)?;
    let links = WatchLinks::from_env(env)?;
    let content = MailContent {
        kind: None,
        incidents: &[],
        refusals: &[],
        instances: InstanceCount { up: 0, all: 0 },
        links: &links,
        watcher: &crate::config::instance_name(env),
        now: Timestamp::now(),
    };
    let (id, message) = content.write(&config)?;
    let refused = block_on(async {
        let mut session = MailTransport::new(&config)?.session();
        let mut refused = Vec::new();
        for recipient in &config.to {
            match session.send(&recipient.email, &id, &message).await {
                Ok(reply) => println!("{}: {reply}", recipient.email),
                Err(error) => refused.push(format!("{}: {error}", recipient.email)),
            }
        }
        session.end().await;
        Ok(refused)
    })?;
    ensure!(
        refused.is_empty(),
        "JORNADA_SMTP: the test mail was not accepted for {}",
        refused.join("; ")
    );
    Ok(())
}

/// Stores planned maintenance. A duration of zero ends it.
fn set_maintenance(env: &Env, time: SignedDuration, reason: String) -> anyhow::Result<()> {
    let store = WatchStore::open(&watch_data_folder(env)).context("JORNADA_WATCH_DATA")?;
    let set_at = Timestamp::now();
    let maintenance = Maintenance {
        set_at,
        until: set_at + time,
        reason,
    };
    store.run_transaction_blocking(|tx| history::set_maintenance(tx, &maintenance))?;
    if time > SignedDuration::ZERO {
        println!(
            "planned maintenance until {}",
            maintenance.until.strftime("%Y-%m-%dT%H:%M:%SZ")
        );
    } else {
        println!("no planned maintenance");
    }
    Ok(())
}
