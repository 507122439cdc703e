//! Errors of the object store.

use std::time::Duration;

use tokio::time::timeout;

use super::key_id::KeyId;

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

/// Result of an operation of the object store.
pub type Result<T, E = ObjectError> = std::result::Result<T, E>;

impl ObjectError {
    /// Creates the error of an expired timeout.
    pub(super) fn timed_out() -> Self {
        Self::Unavailable("no answer in time".into())
    }
}

/// Runs an operation; fails if it takes longer than `limit`.
pub async fn with_timeout<T>(
    limit: Duration,
    operation: impl Future<Output = Result<T>>,
) -> Result<T> {
    timeout(limit, operation)
        .await
        .unwrap_or_else(|_| Err(ObjectError::timed_out()))
}
