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
        let (name, holder, length) = (self.name, self.holder, self.length);
        self.store.acquire_lease(name, holder, length).await
    }

    /// Releases the lease if this holder has it. After an error it expires by itself.
    pub async fn release(&self) -> Result<()> {
        self.store.release_lease(self.name, self.holder).await
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
    /// See [`Lease::acquire`].
    pub async fn acquire_lease(
        &self,
        name: &'static str,
        holder: Uuid,
        duration: Duration,
    ) -> Result<bool> {
        dispatch!("lease", self.acquire_lease(name, holder, duration))
    }

    /// See [`Lease::release`].
    pub async fn release_lease(&self, name: &'static str, holder: Uuid) -> Result<()> {
        dispatch!("release", self.release_lease(name, holder))
    }

    /// Returns the time of the store's clock, which may differ from this machine's.
    pub async fn now(&self) -> Result<Timestamp> {
        dispatch!("clock", self.now())
    }
}
