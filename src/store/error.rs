//! Why a store did not answer. Nothing of what is kept stands in an error: drivers put values and whole
//! documents into their messages, so that only a kind and a code of theirs are taken over.

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time: ask again later.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered something that should not be.
    #[error("the store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Nothing was answered within the bound.
    pub(super) fn late() -> Self {
        Self::Unavailable("no answer in time".into())
    }

    /// The same error for another who waits for the same thing.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Unavailable(source) => Self::Unavailable(source.to_string().into()),
            Self::Failed(source) => Self::Failed(source.to_string().into()),
        }
    }

    /// What was read back is not what this program writes; says which part, not what stands there.
    pub(super) fn malformed(part: &'static str) -> Self {
        Self::Failed(format!("a kept document has no usable {part}").into())
    }
}
