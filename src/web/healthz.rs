//! Tells that a process is alive.

/// Answers while the process lives.
pub async fn healthz() -> &'static str {
    "ok\n"
}
