//! The name beside the answers, by which the staff find a registration: filled in where an earlier version kept none.

use super::{Store, StoreError, ask};
use crate::domain::Campaign;

/// Registrations of one batch; so many are read and changed at once.
pub(super) const BATCH: usize = 500;

impl Store {
    /// Fills in the names of a batch of registrations that were kept without; answers how many there were.
    ///
    /// # Errors
    /// When the store does not answer: some may be filled in.
    pub async fn fill_names(&self, campaign: &Campaign) -> Result<usize, StoreError> {
        ask!("fill_names", self.fill_names(campaign))
    }
}
