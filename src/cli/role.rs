//! Runs a role that works until it is stopped.

use crate::config::{Env, FromEnv, log_unknown_settings};
use jornada_runtime::logs::{self, Logs, LogsConfig};

/// Runs a role on several threads, with its log.
pub(super) fn run_role(
    env: &Env,
    role: impl AsyncFnOnce(&Logs) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let logging = LogsConfig::from_env(env)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let logs = logs::start(&logging, "jornada")?;
        log_unknown_settings(env);
        let ended = role(&logs).await;
        logs.shut_down().await;
        ended
    })
}
