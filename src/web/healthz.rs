//! Liveness check.

/// Returns 200 while the process is alive.
pub async fn healthz() -> &'static str {
    "ok\n"
}
