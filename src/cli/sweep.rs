//! The role `sweep`: erases what is over now, as one of the instances does every day.

use anyhow::Context;
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
    /// Only counts registrations and photos that would be erased.
    #[arg(long)]
    dry_run: bool,
}

/// Plays the role; prints one line of JSON.
pub(super) fn play(env: &Env, args: &SweepArgs) -> anyhow::Result<()> {
    run(async {
        let archive = Archive::open(env).await?;
        let sweep = Sweep {
            store: archive.office.store,
            photos: archive.photos,
            keeper: archive.keeper,
            campaigns: archive.campaigns.iter().cloned().collect(),
            audit: archive.office.audit,
            doer: Doer::CommandLine,
            is_dry: args.dry_run,
            id: Uuid::new_v4(),
        };
        let swept = sweep.once(Timestamp::now()).await?;
        let swept = swept.context("another sweep is at work: nothing was done here")?;
        println!("{}", serde_json::to_string(&swept)?);
        Ok(())
    })
}
