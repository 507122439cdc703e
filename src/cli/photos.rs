//! `jornada photos`: re-encrypts photos under the current key.

use anyhow::{Context, ensure};
use clap::Subcommand;

use crate::config::{Env, PhotoKeys, PhotosSetting, StoreSetting};
use crate::intake::reseal::{Resealed, reseal};
use crate::intake::vault::Vault;
use crate::photo::Photos;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum PhotosCommand {
    /// Rewrap all keys under the first key of `JORNADA_PHOTO_KEY`, encrypt unencrypted photos and print a JSON summary.
    /// Instances may run at the same time. Safe to interrupt and repeat
    Rewrap,
}

/// Runs the command.
pub(super) fn play(env: &Env, command: &PhotosCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match command {
        PhotosCommand::Rewrap => runtime.block_on(rewrap(env)),
    }
}

async fn rewrap(env: &Env) -> anyhow::Result<()> {
    let setting = StoreSetting::from_env(env)?;
    let photos = PhotosSetting::from_env(env)?;
    let keys = PhotoKeys::from_env(env, &setting)?;
    let store = Store::open(&setting).await.context("JORNADA_STORE")?;
    let key_ring = Vault::open(store, &keys).await;
    let key_ring = key_ring.context("JORNADA_PHOTO_KEY")?;
    let photos = Photos::new(&photos, key_ring.seal().clone());
    photos.prepare().await.context("JORNADA_PHOTOS")?;
    let done = reseal(&key_ring, &photos, tell).await?;
    println!("{}", serde_json::to_string(&done)?);
    ensure!(
        done.failed == 0,
        "{} photos could not be re-encrypted: see the lines above, then run the command again",
        done.failed
    );
    Ok(())
}

fn tell(done: &Resealed) {
    let Resealed { photos, sealed, .. } = done;
    eprintln!("{photos} photos checked, {sealed} encrypted");
}
