//! A deleted registration, and what its deletion means for its number.

use jiff::Timestamp;
use strum::{Display, EnumString, IntoStaticStr};

/// A deleted registration, without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Time of the deletion (millisecond precision).
    pub at: Timestamp,
    /// Actor, as in a [`Correction`](super::Correction).
    pub by: String,
    /// Reason given.
    pub reason: String,
    /// Value under which the registration was counted.
    pub tally_value: String,
    /// Cause, which decides whether the number can be registered again.
    pub cause: DeletionCause,
}

/// Cause of a deletion. Its text is the name in forms, lists and the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum DeletionCause {
    /// Somebody asked for it, or its time of retention ended. The number stays blocked.
    Requested,
    /// Somebody else, or nobody, sent it. The number is free; the same content stays refused, against its late retry.
    FalseEntry,
    /// It was asked for, and an administrator freed the number later.
    Lifted,
}

impl Deletion {
    /// Sets the cause.
    #[must_use]
    pub fn with_cause(self, cause: DeletionCause) -> Self {
        Self { cause, ..self }
    }
}

impl DeletionCause {
    /// Returns whether the number can be registered again, under the
    /// [next id](crate::RegistrationId::next_of_number).
    pub fn frees_number(self) -> bool {
        match self {
            Self::Requested => false,
            Self::FalseEntry | Self::Lifted => true,
        }
    }
}
