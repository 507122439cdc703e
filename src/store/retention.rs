//! What is over is taken away: photos whose time has come, links that nobody used, counts that nobody reads; and what the
//! store still knows of a photo, before one that nobody knows is taken for an orphan.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Store, StoreError, ask};
use crate::domain::{CampaignId, RegistrationId};

impl Store {
    /// Marks the photo of a registration as erased: from now on the registration has none, and it is noted as still to
    /// be removed, see [`Store::unremoved`]. False if there is none (any more).
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be marked, and marking it again is right.
    pub async fn erase_photo(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        ask!("erase_photo", self.erase_photo(campaign, id, at))
    }

    /// Whether anything here still speaks of this photo: a registration of any campaign, a photo that waits, or one that
    /// is noted as still to be removed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn knows_photo(
        &self,
        id: RegistrationId,
        sha256: &[u8; 32],
    ) -> Result<bool, StoreError> {
        ask!("knows_photo", self.knows_photo(id, sha256))
    }

    /// Takes links to set a password away that are no good since `now` or before; answers how many.
    ///
    /// # Errors
    /// When the store does not answer: some may be taken away.
    pub async fn sweep_links(&self, now: Timestamp) -> Result<u64, StoreError> {
        ask!("sweep_links", self.sweep_links(now))
    }

    /// Takes the counts of refusals away of days before this one; answers for how many days and reasons there were any.
    ///
    /// # Errors
    /// When the store does not answer: they may be taken away.
    pub async fn sweep_refusals(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64, StoreError> {
        ask!("sweep_refusals", self.sweep_refusals(campaign, before))
    }
}
