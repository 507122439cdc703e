//! The role `watch`: tells the administrator by mail when an instance stops answering, and when it is back.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::end;
use crate::config::{Env, FromEnv, LogsConfig, MailConfig, WatchConfig, WatchLinks, watch_data};
use crate::telemetry::logs::{self, Logs};
use crate::watch;
use crate::watch::board::Left;
use crate::watch::ledger::history::{self, Pause};
use crate::watch::ledger::{Ledger, hold};
use crate::watch::mail::Letter;
use crate::watch::post::Post;

/// Threads that wait for the disk or for a resolver of names.
const WAITING_THREADS: usize = 32;
/// Longest time that a mail on its way has to be taken after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);
/// Longest planned maintenance.
const MOST_PAUSE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Most letters of its reason.
const MOST_LETTERS: usize = 200;

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Sends one mail now, and prints what the mail server said.
    #[arg(long, conflicts_with_all = ["pause", "resume"])]
    test_mail: bool,
    /// Planned maintenance from now on, such as 30m or 2h: nothing that begins meanwhile is mailed.
    #[arg(
        long,
        value_name = "TIME",
        requires = "reason",
        conflicts_with = "resume"
    )]
    pause: Option<SignedDuration>,
    /// Why; everyone who sees the status page reads it.
    #[arg(long, requires = "pause")]
    reason: Option<String>,
    /// Ends planned maintenance before its time.
    #[arg(long)]
    resume: bool,
}

/// Plays the role.
pub(super) fn play(env: &Env, args: WatchArgs) -> anyhow::Result<()> {
    if args.test_mail {
        return test_mail(env);
    }
    if args.resume {
        return pause(env, SignedDuration::ZERO, String::new());
    }
    if let (Some(time), Some(reason)) = (args.pause, args.reason) {
        ensure!(
            time > SignedDuration::ZERO && time <= MOST_PAUSE,
            "--pause: expected a time such as 30m, at most 7 days"
        );
        let reason = reason.trim().to_owned();
        ensure!(
            (1..=MOST_LETTERS).contains(&reason.chars().count())
                && !reason.chars().any(char::is_control),
            "--reason: expected 1 to {MOST_LETTERS} letters"
        );
        return pause(env, time, reason);
    }
    let config = WatchConfig::from_env(env)?;
    let logging = LogsConfig::from_env(env)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(WAITING_THREADS)
        .build()?;
    runtime.block_on(async {
        let logs = logs::start(&logging, "watch")?;
        let ended = run(config, &logs).await;
        logs.end().await;
        ended
    })
}

async fn run(config: WatchConfig, logs: &Logs) -> anyhow::Result<()> {
    let _held = hold(&config.data).context("JORNADA_WATCH_DATA")?;
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("JORNADA_WATCH_LISTEN: cannot listen on {listen}: expected a free address of this machine")
    })?;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let router = watch::begin(config, logs.dropped(), &tasks, &stop).await?;
    let address = listener.local_addr()?;
    info!("the status page is at http://{address}/");
    let asked = end::asked()?;
    // Served until the process ends.
    tokio::spawn(axum::serve(listener, router).into_future());
    asked.await;
    info!("ending: a mail on its way has {} s", DRAIN.as_secs());
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
        bail!("a mail was on its way for too long; it will be sent at the next start");
    }
    info!("ended");
    Ok(())
}

fn test_mail(env: &Env) -> anyhow::Result<()> {
    let config = MailConfig::from_env(env)?;
    let links = WatchLinks::from_env(env)?;
    let letter = Letter {
        kind: None,
        incidents: &[],
        left: Left { up: 0, all: 0 },
        links: &links,
        watcher: &crate::config::instance(env),
        now: Timestamp::now(),
    };
    let (id, message) = letter.write(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let sent = runtime.block_on(async {
        Post::open(&config)?
            .send(&id, &message)
            .await
            .map_err(Into::into)
    });
    let said = sent.map_err(|error: anyhow::Error| {
        error.context("JORNADA_SMTP: the test mail was not taken")
    })?;
    println!("{said}");
    Ok(())
}

/// Also the end of a pause is one, of no length.
fn pause(env: &Env, time: SignedDuration, reason: String) -> anyhow::Result<()> {
    let ledger = Ledger::open(&watch_data(env)).context("JORNADA_WATCH_DATA")?;
    let set_at = Timestamp::now();
    let until = set_at + time;
    ledger.write_now(|tx| {
        history::pause(
            tx,
            &Pause {
                set_at,
                until,
                reason,
            },
        )
    })?;
    if time > SignedDuration::ZERO {
        println!(
            "planned maintenance until {}",
            until.strftime("%Y-%m-%dT%H:%M:%SZ")
        );
    } else {
        println!("no planned maintenance");
    }
    Ok(())
}
