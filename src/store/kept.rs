//! What a store says of one registration: what became of it, and what its receipt shows.

use jiff::Timestamp;

use crate::domain::{CampaignId, RegistrationId};

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept, and was not before.
    New,
    /// It was kept before with the same content; this is when.
    Retry(Timestamp),
    /// Its identity belongs to a registration with other content; nothing changed.
    Taken,
    /// Its identity was given to another registration by a correction; nothing changed.
    Claimed,
    /// Its identity is that of a registration that was deleted; nothing changed.
    Gone,
}

impl Kept {
    /// Compares a registration with the one that holds its identity.
    pub(super) fn beside(digest: &[u8], first_digest: &[u8], first_received_at: Timestamp) -> Self {
        if digest == first_digest {
            Self::Retry(first_received_at)
        } else {
            Self::Taken
        }
    }
}

/// What a receipt shows; nothing personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whose.
    pub id: RegistrationId,
    /// Of which campaign.
    pub campaign: CampaignId,
    /// The tallied value.
    pub value: String,
    /// When it was received.
    pub received_at: Timestamp,
}
