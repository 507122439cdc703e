//! `jornada store`: whether this program may use the stored data.

use anyhow::{Context, ensure};
use clap::Subcommand;

use super::admin_context::block_on;
use crate::config::{Env, FromEnv};
use jornada_store::StoreSetting;
use jornada_store::backup::data_version;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Compare the version of the data with the one of this program, and change nothing. Fails if the data are newer
    Check,
}

/// Runs the command.
pub(super) fn run(env: &Env, command: StoreCommand) -> anyhow::Result<()> {
    match command {
        StoreCommand::Check => block_on(check(env)),
    }
}

async fn check(env: &Env) -> anyhow::Result<()> {
    let setting = StoreSetting::from_env(env)?;
    let found = data_version(&setting).await.context("JORNADA_STORE")?;
    let stored = found.stored.unwrap_or(0);
    println!(
        "version of the data: {stored}, of this program: {}",
        found.supported
    );
    ensure!(
        !found.is_incomplete,
        "a restore into this database was interrupted: run it again"
    );
    ensure!(
        stored <= found.supported,
        "the data have version {stored}, and this program supports only version {}: run a newer program",
        found.supported
    );
    if stored > 0 && stored < found.supported {
        println!(
            "changes that cannot be undone: docs/operations.md, Versions of the data, after {stored}"
        );
    }
    Ok(())
}
