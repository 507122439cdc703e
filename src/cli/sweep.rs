//! `jornada sweep`: deletes expired data now, as one of the instances does daily.

use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;

use super::admin_context::block_on;
use super::maintenance_context::MaintenanceContext;
use crate::config::Env;
use jornada_domain::staff::audit::SystemActor;
use jornada_service::retention::{self, Sweep};

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
pub(super) fn run(env: &Env, args: &SweepArgs) -> anyhow::Result<()> {
    block_on(async {
        let context = MaintenanceContext::open(env).await?;
        let sweep = Sweep {
            lease: retention::lease(&context.admin.store),
            store: context.admin.store,
            objects: context.objects,
            photos: context.photos,
            campaigns: context.campaigns.iter().cloned().collect(),
            audit: Arc::new(context.admin.audit),
            actor: SystemActor::CommandLine,
            is_dry_run: args.dry_run,
            deletes_all_orphans: args.all_orphans,
        };
        let report = sweep.run_if_clocks_agree(Timestamp::now()).await?;
        let report = report.context("another sweep is running: nothing was deleted")?;
        println!("{}", serde_json::to_string(&report)?);
        if let Some(warning) = report.foreign_warning() {
            eprintln!("jornada: {warning}");
        }
        report
            .held_warning()
            .map_or(Ok(()), |warning| bail!(warning))
    })
}
