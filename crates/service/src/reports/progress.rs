//! Progress of a report.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use jornada_domain::job::SourceVersion;

/// Progress of a report, readable from other tasks. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    rows: Arc<AtomicU64>,
    source_version: Arc<OnceLock<SourceVersion>>,
}

impl Progress {
    /// Records the number of rows written.
    pub(super) fn set_rows(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// Records the source version.
    pub(super) fn set_basis(&self, basis: SourceVersion) {
        self.source_version.set(basis).ok();
    }

    /// Returns the number of rows written.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Returns the source version, once it is known.
    pub fn basis(&self) -> Option<SourceVersion> {
        self.source_version.get().copied()
    }
}
