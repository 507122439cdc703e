//! Deletes what has expired: photos, password links, rejection counts. Also checks whether a photo is still referenced,
//! before it counts as orphaned.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Store, StoreError, ask};
use crate::domain::{CampaignId, RegistrationId};

impl Store {
    /// Removes the photo from a registration and lists it as a pending deletion, see [`Store::unremoved`]. Returns
    /// false if the registration has no photo. Idempotent.
    pub async fn erase_photo(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        ask!("erase_photo", self.erase_photo(campaign, id, at))
    }

    /// Returns whether a photo is referenced: by a registration of any campaign, by the buffer or by a pending deletion.
    pub async fn knows_photo(
        &self,
        id: RegistrationId,
        sha256: &[u8; 32],
    ) -> Result<bool, StoreError> {
        ask!("knows_photo", self.knows_photo(id, sha256))
    }

    /// Deletes password links that expired at `now` or earlier. Returns their number.
    pub async fn sweep_links(&self, now: Timestamp) -> Result<u64, StoreError> {
        ask!("sweep_links", self.sweep_links(now))
    }

    /// Deletes the rejection counts of days before this one. Returns the number of deleted records.
    pub async fn sweep_refusals(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64, StoreError> {
        ask!("sweep_refusals", self.sweep_refusals(campaign, before))
    }
}
