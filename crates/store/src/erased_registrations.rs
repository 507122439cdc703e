//! Lists deleted registrations. The list is stored apart from the store, to repeat the deletions after an older backup
//! was restored.

use super::{Store, StoreError, dispatch};
use jornada_domain::{CampaignId, RegistrationId};

/// A deleted registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedRegistration {
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its id; not personal data.
    pub id: RegistrationId,
}

impl Store {
    /// Returns up to `limit` deleted registrations of all campaigns, in order of their ids, from after this one.
    pub async fn erased_registrations(
        &self,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<ErasedRegistration>, StoreError> {
        dispatch!("erased_after", self.erased_registrations(after, limit))
    }
}
