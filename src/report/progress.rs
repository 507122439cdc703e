//! How far a report is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::domain::job::Basis;

/// How far a report is, for whoever looks from elsewhere; all clones are of the same report.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    rows: Arc<AtomicU64>,
    basis: Arc<OnceLock<Basis>>,
}

impl Progress {
    /// So many rows are written.
    pub(super) fn note(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// Notes from what it is made.
    pub(super) fn set_basis(&self, basis: Basis) {
        self.basis.set(basis).ok();
    }

    /// Rows that are written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// From what it is made, once that is counted.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        self.basis.get().copied()
    }
}
