//! Who was erased, as a list that outlives this store: after a restore of an older backup they are erased again.

use super::{Store, StoreError, ask};
use crate::domain::{CampaignId, RegistrationId};

/// A registration that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Of which campaign it was.
    pub campaign: CampaignId,
    /// Its id, which tells nothing about the person.
    pub id: RegistrationId,
}

impl Store {
    /// At most so many deleted registrations of all campaigns, in the order of their ids, after this one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn erased_after(
        &self,
        after: Option<RegistrationId>,
        most: u16,
    ) -> Result<Vec<Erased>, StoreError> {
        ask!("erased_after", self.erased_after(after, most))
    }
}
