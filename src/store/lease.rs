//! What only one process may do at a time is done under a lease, which the store gives by its clock.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, ask};

/// A length as the back ends reckon with it.
pub(super) fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

impl Store {
    /// Takes or keeps what only one process may do at a time, by the clock of the store; false while another holds
    /// it. A holder that is not heard of for `length` has lost it.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be held.
    pub async fn lease(
        &self,
        name: &'static str,
        holder: Uuid,
        length: Duration,
    ) -> Result<bool, StoreError> {
        ask!("lease", self.lease(name, holder, length))
    }

    /// Gives a lease up at once, if it is still the holder's.
    ///
    /// # Errors
    /// When the store does not answer; the lease then ends by itself.
    pub async fn release(&self, name: &'static str, holder: Uuid) -> Result<(), StoreError> {
        ask!("release", self.release(name, holder))
    }

    /// The time by the clock of the store; the one of this machine need not agree.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clock(&self) -> Result<Timestamp, StoreError> {
        ask!("clock", self.clock())
    }
}
