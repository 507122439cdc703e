//! Errors of the object store.

use super::encryption::KeyId;

/// Errors of the object store. They contain no key, because keys are personal.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Not reachable, or no response in time; may be retried.
    #[error("object store unavailable: {0}")]
    Unavailable(String),
    /// An unexpected response.
    #[error("object store error: {0}")]
    Failed(String),
    /// The object is encrypted under an unknown key, so it cannot be verified.
    #[error(
        "an object in the object store is encrypted under unknown key {0}: see JORNADA_PHOTO_KEY"
    )]
    UnknownKey(KeyId),
    /// The object differs from what was stored.
    #[error("an object in the object store was altered, truncated or exchanged")]
    Altered,
}

impl ObjectError {
    /// Creates the error of an expired timeout.
    #[must_use]
    pub fn timed_out() -> Self {
        Self::Unavailable("no answer in time".into())
    }
}
