//! Progress of a report.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::domain::job::Basis;

/// Progress of a report, readable from other tasks. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    rows: Arc<AtomicU64>,
    basis: Arc<OnceLock<Basis>>,
}

impl Progress {
    /// Records the number of rows written.
    pub(super) fn note(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// Records the source version.
    pub(super) fn set_basis(&self, basis: Basis) {
        self.basis.set(basis).ok();
    }

    /// Returns the number of rows written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Returns the source version, once it is known.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        self.basis.get().copied()
    }
}
