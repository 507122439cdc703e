//! The role `sweep`: erases what is over now, as one of the instances does every day.

use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use uuid::Uuid;

use super::archive::Archive;
use super::office::run;
use crate::config::Env;
use crate::domain::staff::audit::Doer;
use crate::intake::sweep::Sweep;

#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    /// Only counts registrations, photos and reports that would be erased.
    #[arg(long)]
    dry_run: bool,
    /// Removes photos of nobody however many they are, also those that are not sealed under a key of this store: make
    /// sure first that `JORNADA_STORE` and `JORNADA_PHOTOS` belong together, and that no restore is under way.
    #[arg(long)]
    all_orphans: bool,
}

/// Plays the role; prints one line of JSON. Photos that are held back make it an error.
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
        let swept = sweep.on_time(Timestamp::now()).await?;
        let swept = swept.context("another sweep is at work: nothing was done here")?;
        println!("{}", serde_json::to_string(&swept)?);
        if let Some(told) = swept.foreign_told() {
            eprintln!("jornada: {told}");
        }
        swept.held_told().map_or(Ok(()), |told| bail!(told))
    })
}
