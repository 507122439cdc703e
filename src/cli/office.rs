//! Context of staff commands: the store and the audit log, in which every command is recorded before it acts.

use anyhow::Context;
use jiff::Timestamp;

use crate::config::{Env, FromEnv, Secret, StoreSetting};
use crate::domain::staff::audit::{Deed, Doer, Note};
use crate::staff::Audit;
use crate::store::Store;

/// Store and audit log.
pub(super) struct Office {
    pub(super) store: Store,
    pub(super) audit: Audit,
}

impl Office {
    pub(super) async fn open(env: &Env) -> anyhow::Result<Self> {
        let setting = StoreSetting::from_env(env)?;
        let secret = Secret::from_env(env)?;
        Ok(Self {
            store: Store::open(&setting).await.context("JORNADA_STORE")?,
            audit: Audit::new(&secret),
        })
    }

    /// Records what the command is about to do.
    pub(super) async fn note(&self, deed: Deed) -> anyhow::Result<()> {
        let note = Note::by(Doer::CommandLine, deed, Timestamp::now());
        let written = self.audit.write(&self.store, note).await;
        written.map(drop).context("nothing was changed")
    }
}

/// Runs a future to completion on a new runtime.
pub(super) fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
