//! Errors of the store. They hold no stored data: driver messages contain values and whole documents, so only the kind
//! and code of an error are used.

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Unreachable, or no answer in time. Retry later.
    #[error("store unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The operation was rejected, or its result is unusable.
    #[error("store operation failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A record was rejected because of what it is, for example its size. Others of its batch are not affected.
    #[error("store refuses the record")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Result of a store operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    /// Copies an error, for each of the writes that failed together.
    pub(crate) fn duplicate(&self) -> Self {
        match self {
            Self::Unavailable(source) => Self::Unavailable(source.to_string().into()),
            Self::Failed(source) => Self::Failed(source.to_string().into()),
            Self::Refused(source) => Self::Refused(source.to_string().into()),
        }
    }

    /// Stored data is not what this program writes. Names the part, never its content.
    pub(crate) fn malformed(part: &'static str) -> Self {
        Self::Failed(format!("stored data has no valid {part}").into())
    }
}
