//! Leases by the clock of the store, for work that only one process may do at a time.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, ask};

/// Converts a length to the unit of both back ends.
pub(super) fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

impl Store {
    /// Acquires or renews a lease. Returns false while another holder has it. It expires `length` after the last
    /// renewal, by the clock of the store.
    pub async fn lease(
        &self,
        name: &'static str,
        holder: Uuid,
        length: Duration,
    ) -> Result<bool, StoreError> {
        ask!("lease", self.lease(name, holder, length))
    }

    /// Releases a lease if `holder` has it. After an error the lease expires by itself.
    pub async fn release(&self, name: &'static str, holder: Uuid) -> Result<(), StoreError> {
        ask!("release", self.release(name, holder))
    }

    /// Returns the time of the store's clock, which may differ from this machine's.
    pub async fn clock(&self) -> Result<Timestamp, StoreError> {
        ask!("clock", self.clock())
    }
}
