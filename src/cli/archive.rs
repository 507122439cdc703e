//! Context of commands about registrations: store, audit log, object store and campaigns. Instances may run at the same
//! time.

use anyhow::Context;
use prometheus::Registry;

use super::office::Office;
use crate::campaigns::Campaigns;
use crate::config::{Env, FromEnv, PhotoKeys, PhotosSetting};
use crate::intake::metrics::PendingMetrics;
use crate::intake::photos::PhotoKeeper;
use crate::intake::vault::Vault;
use crate::photo::Photos;

/// Everything that maintenance commands need.
pub(super) struct Archive {
    pub(super) office: Office,
    pub(super) photos: Photos,
    pub(super) keeper: PhotoKeeper,
    pub(super) campaigns: Campaigns,
}

impl Archive {
    pub(super) async fn open(env: &Env) -> anyhow::Result<Self> {
        let campaigns = Campaigns::read(env.or("JORNADA_CAMPAIGNS", "campaigns").as_ref())?;
        let setting = PhotosSetting::from_env(env)?;
        let keys = PhotoKeys::from_env(env)?;
        let office = Office::open(env).await?;
        let vault = Vault::open(office.store.clone(), &keys).await;
        let vault = vault.context("JORNADA_PHOTO_KEY")?;
        let photos = Photos::new(&setting, vault.seal().clone());
        // It removes and reads alone: nothing new comes to wait.
        let metrics = PendingMetrics::new(&Registry::new())?;
        let keeper = PhotoKeeper::open(photos.clone(), vault, office.store.clone(), 0, metrics);
        Ok(Self {
            keeper: keeper.await.context("JORNADA_PHOTOS")?,
            office,
            photos,
            campaigns,
        })
    }
}
