//! A vote: the answers of one event. Nobody edits or deletes a single vote.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::answers::Answers;
use super::campaign_id::CampaignId;
use super::registration::RegistrationId;

/// Validated answers of one event, with id and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Unique id: derived from the idempotency key, or a new UUID version 7 (RFC 9562) without one.
    pub id: RegistrationId,
    /// Campaign it belongs to.
    pub campaign: CampaignId,
    /// Validated answers.
    pub answers: Answers,
    /// Time of receipt (millisecond precision).
    pub received_at: Timestamp,
    /// Where it came in.
    pub door: Door,
    /// Name of the instance that took it in. `None` if another program wrote it to the queue, or an import did.
    pub instance: Option<Arc<str>>,
}

/// A vote with what the store knows about its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVote {
    /// The vote.
    pub vote: Vote,
    /// When it was stored, by the clock of the process that stored it. `None` for votes of earlier versions.
    pub stored_at: Option<Timestamp>,
    /// Its place in the queue, if it came by one.
    pub queue_place: Option<QueuePlace>,
}

/// Place of a record in the queue of votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// Partition, if the queue has any.
    pub partition: Option<i32>,
    /// Position within the partition or stream, as the broker writes it.
    pub offset: String,
}

/// Position of a vote in the list of its campaign, which is in the order of receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VotePosition {
    /// Time of receipt.
    pub received_at: Timestamp,
    /// Id of the vote.
    pub id: RegistrationId,
}

impl StoredVote {
    /// Returns its position in the list.
    pub fn position(&self) -> VotePosition {
        VotePosition {
            received_at: self.vote.received_at,
            id: self.vote.id,
        }
    }

    /// Returns the time from the receipt to the store; `None` if it is not known, or the receipt has a later time.
    pub fn delay(&self) -> Option<SignedDuration> {
        let delay = self.stored_at?.duration_since(self.vote.received_at);
        (!delay.is_negative()).then_some(delay)
    }
}

impl VotePosition {
    /// Returns the first position at a time.
    pub fn first_at(received_at: Timestamp) -> Self {
        let id = RegistrationId::from_bytes([0; 16]);
        Self { received_at, id }
    }

    /// Parses the text that [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (millisecond, id) = text.rsplit_once('-')?;
        Some(Self {
            received_at: Timestamp::from_millisecond(millisecond.parse().ok()?).ok()?,
            id: RegistrationId::parse(id)?,
        })
    }
}

impl fmt::Display for VotePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.received_at.as_millisecond(), self.id)
    }
}

/// Where a vote came in. Its text is a metric label and is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Door {
    /// The HTML form.
    Form,
    /// The HTTP API.
    Http,
    /// gRPC.
    Grpc,
    /// A record of the queue that another program wrote, without a door.
    Queue,
    /// A file of published results.
    Import,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written() {
        for millisecond in [-5, 0, 1_795_000_000_123] {
            let received_at = Timestamp::from_millisecond(millisecond).unwrap();
            let id = RegistrationId::from_bytes([7; 16]);
            let position = VotePosition { received_at, id };
            assert_eq!(VotePosition::parse(&position.to_string()), Some(position));
        }
        for wrong in ["", "-", "1", "1-2", "x-00112233445566778899aabbccddeeff"] {
            assert_eq!(VotePosition::parse(wrong), None, "{wrong}");
        }
    }
}
