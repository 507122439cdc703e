//! Corrections and deletions. Each is one transaction, together with the alias, the feed and the campaign's revision.
//! It applies only to the version that was read.

use super::{Store, StoreError, ask};
use crate::domain::record::{Deletion, Record};
use crate::domain::{Campaign, CampaignId, RegistrationId};

/// Outcome of a correction or deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amended {
    /// Written, as durably as a registration.
    Done,
    /// The registration was corrected or deleted after it was read. Nothing was written.
    Stale,
    /// The new unique answer identifies another registration. Nothing was written.
    Taken,
}

impl Store {
    /// Returns a registration with its corrections.
    pub async fn record(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Record>, StoreError> {
        ask!("record", self.record(campaign, id))
    }

    /// Stores the last correction of `corrected` if the registration is unchanged since `read`. With an alias, also
    /// reserves that id for good: registering under it is rejected. If the outcome is unknown, read the registration
    /// again.
    pub async fn correct(
        &self,
        campaign: &Campaign,
        read: &Record,
        corrected: &Record,
        claim: Option<RegistrationId>,
    ) -> Result<Amended, StoreError> {
        ask!("correct", self.correct(campaign, read, corrected, claim))
    }

    /// Replaces a registration with a tombstone if it is unchanged since `read`. The tombstone holds no personal data,
    /// reserves the id and lists the photo as a pending deletion. If the outcome is unknown, read the registration
    /// again.
    pub async fn delete(
        &self,
        campaign: &Campaign,
        read: &Record,
        deletion: &Deletion,
    ) -> Result<Amended, StoreError> {
        ask!("delete", self.delete(campaign, read, deletion))
    }

    /// Returns who deleted a registration, when and why.
    pub async fn deletion(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<Option<Deletion>, StoreError> {
        ask!("deletion", self.deletion(campaign, id))
    }

    /// Returns a number that grows with every correction and deletion in a campaign.
    pub async fn revision(&self, campaign: &CampaignId) -> Result<u64, StoreError> {
        ask!("revision", self.revision(campaign))
    }
}
