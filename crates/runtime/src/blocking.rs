//! Keeps long work off the threads that serve requests.

use tokio::task::{JoinError, spawn_blocking};

/// Inputs above this size, in bytes, are processed on a blocking thread.
pub const LARGE_INPUT: usize = 256 * 1024;

/// Runs `work` on an input of `bytes` bytes: on a blocking thread if it is large, else here. Fails if the thread panics
/// or is cancelled.
pub async fn run_blocking_if_large<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if bytes > LARGE_INPUT {
        spawn_blocking(work).await
    } else {
        Ok(work())
    }
}
