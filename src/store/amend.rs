//! Corrections and deletions. Each is one transaction with all that goes with it: the new identity, the change that the
//! feed tells, and the campaign's revision; and each is taken only if the registration still is as it was read.

use super::{Store, StoreError, ask};
use crate::domain::record::{Deletion, Record};
use crate::domain::{Campaign, CampaignId, RegistrationId};

/// What became of a correction or a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amended {
    /// It is kept, as durably as a registration.
    Done,
    /// The registration was changed or deleted since it was read; nothing was done.
    Stale,
    /// The new answer to the unique field belongs to another registration; nothing was done.
    Taken,
}

impl Store {
    /// One registration of a campaign with its corrections.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn record(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Record>, StoreError> {
        ask!("record", self.record(campaign, id))
    }

    /// Keeps the last correction of `corrected`, if the registration still is as it was `read`. With `claim` it also
    /// takes that identity, for good: whoever registers under it is turned away.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] also when the outcome is unknown: reading it again shows.
    pub async fn correct(
        &self,
        campaign: &Campaign,
        read: &Record,
        corrected: &Record,
        claim: Option<RegistrationId>,
    ) -> Result<Amended, StoreError> {
        ask!("correct", self.correct(campaign, read, corrected, claim))
    }

    /// Puts a tombstone in the place of a registration, if that still is as it was `read`. Nothing of the person stays;
    /// the identity stays taken, and the photo is noted as still to be removed.
    ///
    /// # Errors
    /// As for [`Store::correct`].
    pub async fn delete(
        &self,
        campaign: &Campaign,
        read: &Record,
        deletion: &Deletion,
    ) -> Result<Amended, StoreError> {
        ask!("delete", self.delete(campaign, read, deletion))
    }

    /// What is known of a registration that was deleted.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn deletion(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<Option<Deletion>, StoreError> {
        ask!("deletion", self.deletion(campaign, id))
    }

    /// A number that grows with every correction and every deletion in a campaign.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revision(&self, campaign: &CampaignId) -> Result<u64, StoreError> {
        ask!("revision", self.revision(campaign))
    }
}
