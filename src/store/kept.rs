//! Outcome of inserting a registration, and what its receipt shows.

use jiff::Timestamp;

use crate::domain::{CampaignId, RegistrationId};

/// Outcome of inserting a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Inserted.
    New,
    /// Stored before with the same digest, at this time. Nothing was written.
    Retry(Timestamp),
    /// The id exists with a different digest. Nothing was written.
    Taken,
    /// The id is an alias of another registration, from a correction. Nothing was written.
    Claimed,
    /// The id is that of a deleted registration. Nothing was written.
    Gone,
}

impl Kept {
    /// Compares a registration with the one stored under its id.
    pub(super) fn beside(digest: &[u8], first_digest: &[u8], first_received_at: Timestamp) -> Self {
        if digest == first_digest {
            Self::Retry(first_received_at)
        } else {
            Self::Taken
        }
    }
}

/// Contents of a receipt; no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Registration.
    pub id: RegistrationId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Tallied value.
    pub value: String,
    /// Time of arrival.
    pub received_at: Timestamp,
}
