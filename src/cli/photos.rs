//! The role `photos`: rotates the key under which photos are encrypted.

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;

use super::admin_context::block_on;
use crate::config::{Env, FromEnv, MasterKeys, StoreSetting};
use crate::intake::key_ring::KeyRing;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum PhotosCommand {
    /// Wraps the vault keys under the first key of `JORNADA_PHOTO_KEY` and prints how many as one line of JSON. Instances
    /// may run meanwhile. Run it again if it was interrupted.
    Rewrap,
}

/// Runs the command.
pub(super) fn run(env: &Env, command: &PhotosCommand) -> anyhow::Result<()> {
    match command {
        PhotosCommand::Rewrap => block_on(rewrap(env)),
    }
}

async fn rewrap(env: &Env) -> anyhow::Result<()> {
    let setting = StoreSetting::from_env(env)?;
    let keys = MasterKeys::from_env(env)?;
    let store = Store::open(&setting).await.context("JORNADA_STORE")?;
    let vault = KeyRing::open(store, &keys).await;
    let vault = vault.context("JORNADA_PHOTO_KEY")?;
    let keys = vault.rewrap().await.context("JORNADA_PHOTO_KEY")?;
    println!("{}", json!({ "keys": keys }));
    Ok(())
}
