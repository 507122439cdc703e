//! Photos: those buffered while the object store is unavailable, and those still to be deleted from it.

pub(crate) mod buffer;
pub(crate) mod deletions;
