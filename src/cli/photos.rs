//! `jornada photos`: rotates the master key of photos.

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;

use super::admin_context::{block_on, open_key_ring, open_store};
use crate::config::{Env, FromEnv};
use jornada_objects::MasterKeys;

#[derive(Debug, Subcommand)]
pub(super) enum PhotosCommand {
    /// Re-encrypt the key ring under the first key of `JORNADA_PHOTO_KEY` and print the number of keys as JSON.
    /// Instances may run at the same time. Repeat it if it was interrupted
    Rewrap,
}

/// Runs the command.
pub(super) fn run(env: &Env, command: &PhotosCommand) -> anyhow::Result<()> {
    match command {
        PhotosCommand::Rewrap => block_on(rewrap(env)),
    }
}

async fn rewrap(env: &Env) -> anyhow::Result<()> {
    let keys = MasterKeys::from_env(env)?;
    let store = open_store(env).await?;
    let key_ring = open_key_ring(&store, &keys).await?;
    let keys = key_ring.rewrap().await.context("JORNADA_PHOTO_KEY")?;
    println!("{}", json!({ "keys": keys }));
    Ok(())
}
