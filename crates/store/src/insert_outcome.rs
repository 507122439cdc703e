//! Outcome of inserting a registration, and what its receipt shows.

use jiff::Timestamp;

use jornada_domain::{CampaignId, RegistrationId};

/// Outcome of inserting a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Inserted.
    Inserted,
    /// Stored before with the same digest, at this time. Nothing was written.
    SameAgain(Timestamp),
    /// The id exists with a different digest. Nothing was written.
    Conflict,
    /// The id is an alias of another registration, from a correction. Nothing was written.
    AliasTaken,
    /// The id is that of a deleted registration. Nothing was written.
    Deleted,
}

impl InsertOutcome {
    /// Compares a registration with the one stored under its id.
    pub(super) fn from_digests(
        digest: &[u8],
        stored_digest: &[u8],
        stored_received_at: Timestamp,
    ) -> Self {
        if digest == stored_digest {
            Self::SameAgain(stored_received_at)
        } else {
            Self::Conflict
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
    pub tally_value: String,
    /// Time of arrival.
    pub received_at: Timestamp,
}
