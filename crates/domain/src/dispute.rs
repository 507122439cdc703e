//! Submissions whose number somebody else sent first. Staff decide which of both is kept; until then they count nowhere.

use jiff::Timestamp;
use strum::{Display, EnumString, IntoStaticStr};

use crate::registration::{Registration, RegistrationId};

/// Maximum number of undecided disputes of one number.
pub const MAX_DISPUTES: u8 = 3;

/// An undecided submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The registration that it becomes if it is kept; its id is [that of a dispute](RegistrationId::of_dispute).
    pub registration: Registration,
    /// Version of the accepted consent text.
    pub consent: Option<String>,
    /// First id of its number.
    pub number: RegistrationId,
    /// Value under which the registration that had the number was counted. Staff of its place see the dispute, too.
    pub rival_value: String,
}

/// Public state of a dispute, for everyone who has its receipt number; no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeReceipt {
    /// Tallied value.
    pub tally_value: String,
    /// Time of arrival.
    pub received_at: Timestamp,
    /// State.
    pub state: DisputeState,
}

/// State of a dispute. One that is kept becomes a registration. Its text is the name in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum DisputeState {
    /// Staff have not decided yet.
    Open,
    /// The earlier registration was kept.
    NotKept,
    /// It was erased, as a registration may be.
    Erased,
}

/// The end of a dispute that is not kept. Replaces all personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeEnd {
    /// Any state but [`DisputeState::Open`].
    pub state: DisputeState,
    /// Time (millisecond precision).
    pub at: Timestamp,
    /// Actor, as in a [`Correction`](crate::history::Correction).
    pub by: String,
    /// Reason given.
    pub reason: String,
}
