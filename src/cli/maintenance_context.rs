//! Context of commands about registrations: store, audit log, object store and campaigns. Instances may run at the same
//! time.

use anyhow::Context;
use prometheus::Registry;

use super::admin_context::AdminContext;
use crate::config::{Env, FromEnv};
use jornada_objects::ObjectStore;
use jornada_objects::{MasterKeys, ObjectStoreSetting};
use jornada_service::campaigns::Campaigns;
use jornada_service::registrations::key_ring::KeyRing;
use jornada_service::registrations::metrics::BufferedPhotoMetrics;
use jornada_service::registrations::photo_repository::PhotoRepository;

/// Everything that maintenance commands need.
pub(super) struct MaintenanceContext {
    pub(super) admin: AdminContext,
    pub(super) objects: ObjectStore,
    pub(super) photos: PhotoRepository,
    pub(super) campaigns: Campaigns,
}

impl MaintenanceContext {
    pub(super) async fn open(env: &Env) -> anyhow::Result<Self> {
        let campaigns = Campaigns::read(env.get_or("JORNADA_CAMPAIGNS", "campaigns").as_ref())?;
        let setting = ObjectStoreSetting::from_env(env)?;
        let keys = MasterKeys::from_env(env)?;
        let admin = AdminContext::open(env).await?;
        let key_ring = KeyRing::open(admin.store.clone(), &keys).await;
        let key_ring = key_ring.context("JORNADA_PHOTO_KEY")?;
        let objects = ObjectStore::new(&setting, key_ring.encryptor().clone());
        // Commands read and delete photos only, so the buffer needs no capacity.
        let metrics = BufferedPhotoMetrics::new(&Registry::new())?;
        let photos =
            PhotoRepository::open(objects.clone(), key_ring, admin.store.clone(), 0, metrics);
        Ok(Self {
            photos: photos.await.context("JORNADA_PHOTOS")?,
            admin,
            objects,
            campaigns,
        })
    }
}
