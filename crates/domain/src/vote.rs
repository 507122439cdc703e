//! A vote: the answers of one event. Nobody edits or deletes a single vote.

use jiff::Timestamp;
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
}
