//! Leases by the clock of the store, for work that only one process may do at a time.

mod mongo;
pub(crate) mod sqlite;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::error::StoreError;
use super::handle::{Store, dispatch};

impl Store {
    /// Acquires or renews a lease. Returns false while another holder has it. It expires `length` after the last
    /// renewal, by the clock of the store.
    pub async fn acquire_lease(
        &self,
        name: &'static str,
        holder: Uuid,
        duration: Duration,
    ) -> Result<bool, StoreError> {
        dispatch!("lease", self.acquire_lease(name, holder, duration))
    }

    /// Releases a lease if `holder` has it. After an error the lease expires by itself.
    pub async fn release_lease(&self, name: &'static str, holder: Uuid) -> Result<(), StoreError> {
        dispatch!("release", self.release_lease(name, holder))
    }

    /// Returns the time of the store's clock, which may differ from this machine's.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        dispatch!("clock", self.now())
    }
}
