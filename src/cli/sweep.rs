//! `jornada sweep`: deletes expired data now, as one of the instances does daily.

use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use uuid::Uuid;

use super::archive::Archive;
use super::office::run;
use crate::config::Env;
use crate::domain::staff::audit::Doer;
use crate::retention::Sweep;

#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    /// Only count what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Delete all orphaned photos, however many, even if they are encrypted under a key of another store. Check first
    /// that `JORNADA_STORE` and `JORNADA_PHOTOS` belong together and that no restore is running
    #[arg(long)]
    all_orphans: bool,
}

/// Runs the command and prints a JSON summary. Fails if orphaned photos are held back.
pub(super) fn play(env: &Env, args: &SweepArgs) -> anyhow::Result<()> {
    run(async {
        let archive = Archive::open(env).await?;
        let sweep = Sweep {
            store: archive.office.store,
            photos: archive.photos,
            keeper: archive.keeper,
            campaigns: archive.campaigns.iter().cloned().collect(),
            audit: Arc::new(archive.office.audit),
            doer: Doer::CommandLine,
            is_dry: args.dry_run,
            takes_all_orphans: args.all_orphans,
            id: Uuid::new_v4(),
        };
        let report = sweep.on_time(Timestamp::now()).await?;
        let report = report.context("another sweep is running: nothing was deleted")?;
        println!("{}", serde_json::to_string(&report)?);
        if let Some(told) = report.foreign_told() {
            eprintln!("jornada: {told}");
        }
        report.held_told().map_or(Ok(()), |told| bail!(told))
    })
}
