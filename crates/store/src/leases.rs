//! Leases by the clock of the store, for work that only one process may do at a time.

mod mongo;
pub(crate) mod sqlite;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::error::{Result, StoreError};
use super::handle::{Store, dispatch};

/// A lease that this holder may acquire.
#[derive(Clone, Debug)]
pub struct Lease {
    store: Store,
    name: &'static str,
    length: Duration,
    holder: Uuid,
}

impl Lease {
    /// Creates a holder for the lease `name`, which does not have it yet.
    pub fn new(store: &Store, name: &'static str, length: Duration) -> Self {
        Self {
            store: store.clone(),
            name,
            length,
            holder: Uuid::new_v4(),
        }
    }

    /// Acquires or renews the lease. Returns false while another holder has it. It expires `length` after the last
    /// renewal, by the clock of the store.
    pub async fn acquire(&self) -> Result<bool> {
        let Self { store, name, .. } = self;
        dispatch!("lease", store.acquire_lease(name, self.holder, self.length))
    }

    /// Releases the lease if this holder has it. After an error it expires by itself.
    pub async fn release(&self) -> Result<()> {
        let Self { store, name, .. } = self;
        dispatch!("release", store.release_lease(name, self.holder))
    }

    /// Runs `step` under the lease, then releases it. `None` while another holder has it.
    pub async fn hold<T, E: From<StoreError>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<Option<T>, E> {
        if !self.acquire().await? {
            return Ok(None);
        }
        let result = step.await;
        self.release().await?;
        result.map(Some)
    }
}

impl Store {
    /// Returns the time of the store's clock, which may differ from this machine's.
    pub async fn now(&self) -> Result<Timestamp> {
        dispatch!("clock", self.now())
    }
}
