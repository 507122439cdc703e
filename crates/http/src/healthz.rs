//! Liveness check.

use std::future::{Ready, ready};

/// Returns 200 while the process is alive.
pub fn healthz() -> Ready<&'static str> {
    ready("ok\n")
}
