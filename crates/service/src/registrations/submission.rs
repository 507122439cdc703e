//! A submission over any transport, and its result.

use bytes::Bytes;
use jiff::Timestamp;

use super::photo_repository::PhotoError;
use crate::batcher::BatchError;
use jornada_domain::{FieldError, FormData, IdempotencyKey};
use jornada_photo::inspect::InspectionError;
use jornada_store::{Receipt, StoreError};

/// A request to register, over any transport.
#[derive(Debug)]
pub struct Submission {
    /// The field values.
    pub form: FormData,
    /// The photo as sent.
    pub photo: Option<Bytes>,
    /// Identifies the request: every retry carries the same key.
    pub key: IdempotencyKey,
    /// Whether staff are asked to decide if somebody else sent the number before.
    pub wants_review: bool,
}

/// The result of a successful submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// Registered now.
    Registered(Receipt),
    /// Registered by an earlier attempt with the same content; carries the first receipt.
    SameAgain(Receipt),
    /// Not registered: staff decide, or have decided, which of two submissions with the number is kept. The receipt
    /// tells how that stands.
    InReview(Receipt),
}

/// A submission that was not registered.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The campaign does not accept registrations now.
    #[error("the campaign is not open")]
    NotOpen {
        /// When it closes or closed.
        closes_at: Timestamp,
    },
    /// Invalid answers.
    #[error("invalid answers: {}", .0.len())]
    Invalid(Vec<FieldError>),
    /// An invalid photo.
    #[error("invalid photo")]
    InvalidPhoto(InspectionError),
    /// Invalid answers and an invalid photo.
    #[error("invalid answers and photo: {}", .0.len())]
    InvalidBoth(Vec<FieldError>, InspectionError),
    /// The identity belongs, or belonged, to a registration with different content.
    #[error("already registered with different content")]
    AlreadyRegistered {
        /// True if the identity is the request's key, false if it is the answer to the unique field.
        by_key: bool,
        /// Whether that registration was deleted. For statistics alone: the client must not learn it.
        is_deleted: bool,
    },
    /// Too many submissions with the number wait for a decision.
    #[error("too many submissions with this number wait for a decision")]
    ReviewsFull,
    /// Too many registrations wait for the store.
    #[error("too many registrations wait for the store")]
    Busy,
    /// The store failed.
    #[error("cannot store the registration")]
    Store(#[from] StoreError),
    /// The photo could be neither stored nor buffered.
    #[error("cannot store the photo")]
    Photos(#[from] PhotoError),
}

impl SubmitError {
    /// Whether the answer reveals that an identity is registered, or was.
    pub fn reveals_identity(&self) -> bool {
        matches!(self, Self::AlreadyRegistered { .. } | Self::ReviewsFull)
    }
}

impl From<BatchError> for SubmitError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Busy => Self::Busy,
            BatchError::Store(error) => Self::Store(error),
        }
    }
}
