//! Context of staff commands: the store and the audit log, in which every command is recorded before it acts.

use anyhow::Context;
use jiff::Timestamp;

use crate::config::{Env, FromEnv};
use jornada_domain::staff::audit::{AuditEvent, AuditRecord, SystemActor};
use jornada_objects::MasterKeys;
use jornada_service::key::InstallationSecret;
use jornada_service::registrations::key_ring::KeyRing;
use jornada_service::staff::AuditLog;
use jornada_store::{Store, StoreSetting};

/// Store and audit log.
pub(super) struct AdminContext {
    pub(super) store: Store,
    pub(super) audit: AuditLog,
}

impl AdminContext {
    pub(super) async fn open(env: &Env) -> anyhow::Result<Self> {
        let secret = InstallationSecret::from_env(env)?;
        Ok(Self {
            store: open_store(env).await?,
            audit: AuditLog::new(&secret),
        })
    }

    /// Records what the command is about to do.
    pub(super) async fn record(&self, event: AuditEvent) -> anyhow::Result<()> {
        let record = AuditRecord::from_system(SystemActor::CommandLine, event, Timestamp::now());
        let written = self.audit.write(&self.store, record).await;
        written.map(drop).context("nothing was changed")
    }
}

pub(super) async fn open_store(env: &Env) -> anyhow::Result<Store> {
    let setting = StoreSetting::from_env(env)?;
    Store::open(&setting).await.context("JORNADA_STORE")
}

/// Opens the keys that the store holds, wrapped under these master keys.
pub(super) async fn open_key_ring(store: &Store, keys: &MasterKeys) -> anyhow::Result<KeyRing> {
    let key_ring = KeyRing::open(store.clone(), keys).await;
    key_ring.context("JORNADA_PHOTO_KEY")
}

/// Runs a future to completion on a new runtime.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
