//! Why a photo store did not do what it was asked.

use super::seal::KeyId;

/// Why a photo store did not do it. Names no key: keys are personal.
#[derive(Debug, thiserror::Error)]
pub enum PhotosError {
    /// It cannot be reached, or did not answer in time: ask again later.
    #[error("the photo store is not available: {0}")]
    Unavailable(String),
    /// It answered something that should not be.
    #[error("the photo store failed: {0}")]
    Failed(String),
    /// It was sealed under a key that is not known here; whether it is as it was, nobody can tell without.
    #[error(
        "an object in the photo store is sealed under key {0}, which is not known here: see JORNADA_PHOTO_KEY"
    )]
    UnknownKey(KeyId),
    /// What it holds is not what was put there.
    #[error("an object in the photo store is not the one that was put there")]
    Altered,
}

impl PhotosError {
    /// Nothing was answered within the bound.
    #[must_use]
    pub fn late() -> Self {
        Self::Unavailable("no answer in time".into())
    }

    /// A photo whose format this version does not know.
    #[must_use]
    pub fn unknown_format() -> Self {
        Self::Failed("a format that this version does not know".into())
    }
}
