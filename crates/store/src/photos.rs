//! Photos: those buffered while the object store is unavailable, those still to be deleted from it, and those whose
//! registration may never be stored.

pub(crate) mod buffer;
pub(crate) mod deletions;
pub(crate) mod unresolved;
