//! Context of commands about registrations: store, audit log, object store and campaigns. Instances may run at the same
//! time.

use anyhow::Context;
use jiff::Timestamp;
use prometheus::Registry;

use super::admin_context::{AdminContext, open_key_ring};
use crate::config::{Env, FromEnv, campaigns_folder};
use jornada_domain::Campaign;
use jornada_domain::history::{DeletionCause, RegistrationHistory};
use jornada_domain::staff::audit::SystemActor;
use jornada_objects::{MasterKeys, ObjectStore, ObjectStoreSetting};
use jornada_service::campaigns::Campaigns;
use jornada_service::registrations::amend;
use jornada_service::registrations::metrics::BufferedPhotoMetrics;
use jornada_service::registrations::photo_repository::PhotoRepository;
use jornada_store::UpdateOutcome;

/// Everything that maintenance commands need.
pub(super) struct MaintenanceContext {
    pub(super) admin: AdminContext,
    pub(super) objects: ObjectStore,
    pub(super) photos: PhotoRepository,
    pub(super) campaigns: Campaigns,
}

impl MaintenanceContext {
    pub(super) async fn open(env: &Env) -> anyhow::Result<Self> {
        Self::with_admin(env, AdminContext::open(env).await?).await
    }

    /// Opens everything but the store.
    pub(super) async fn with_admin(env: &Env, admin: AdminContext) -> anyhow::Result<Self> {
        let campaigns = Campaigns::read(&campaigns_folder(env))?;
        let setting = ObjectStoreSetting::from_env(env)?;
        let keys = MasterKeys::from_env(env)?;
        let key_ring = open_key_ring(&admin.store, &keys).await?;
        let objects = ObjectStore::new(&setting, key_ring.encryptor().clone());
        // Commands read and delete photos only, so the buffer needs no capacity.
        let metrics = BufferedPhotoMetrics::new(&Registry::new())?;
        let store = admin.store.clone();
        let photos = PhotoRepository::open(objects.clone(), key_ring, store, 0, metrics);
        Ok(Self {
            photos: photos.await.context("JORNADA_PHOTOS")?,
            admin,
            objects,
            campaigns,
        })
    }

    /// Deletes a registration and its photo. Returns false if it was changed at the same time.
    pub(super) async fn delete(
        &self,
        campaign: &Campaign,
        record: &RegistrationHistory,
        cause: DeletionCause,
        reason: String,
    ) -> anyhow::Result<bool> {
        let deletion = record.delete(SystemActor::CommandLine.into(), reason, Timestamp::now());
        let deletion = deletion.with_cause(cause);
        let (store, photos) = (&self.admin.store, &self.photos);
        let outcome = amend::delete(store, photos, campaign, record, &deletion).await?;
        Ok(matches!(outcome, UpdateOutcome::Updated))
    }
}
