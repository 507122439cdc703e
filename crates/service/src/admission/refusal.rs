//! What the counters consume beside tokens, and why they refuse.

use jiff::{SignedDuration, Timestamp};

/// A correct proof of work that a submission uses. Another submission cannot use it again until it expires.
#[derive(Clone, Debug)]
pub(super) struct ProofUse {
    /// Pseudonym of the challenge.
    pub(super) name: String,
    /// Fingerprint of the submission: a retry may use the same proof.
    pub(super) consumer: String,
    pub(super) expires_at: Timestamp,
}

/// Why a request is not admitted by the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A bucket is empty; with the time until every bucket has a token.
    Empty(SignedDuration),
    /// Another submission used the proof of work.
    ProofUsed,
}
