//! Time limits of operations.

use std::time::Duration;

use tokio::time::timeout;

use super::error::{Result, StoreError};

/// Time limit of an operation: longer than an election, and shorter than what looks like a hung instance.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);

/// Time limit of [`Store::ping`](super::Store::ping).
pub const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Time limit of a count of a whole campaign: about a second for each million registrations.
pub(crate) const COUNT_TIMEOUT: Duration = Duration::from_mins(1);

/// Waits for an operation up to its time limit.
pub(crate) async fn with_timeout<T, E>(
    limit: Duration,
    operation: impl IntoFuture<Output = Result<T, E>>,
) -> Result<T>
where
    StoreError: From<E>,
{
    let answer = timeout(limit, operation.into_future()).await;
    let timed_out = |_| StoreError::Unavailable("no answer in time".into());
    Ok(answer.map_err(timed_out)??)
}

/// Waits for an operation up to [`OPERATION_TIMEOUT`].
pub(crate) async fn in_time<T, E>(operation: impl IntoFuture<Output = Result<T, E>>) -> Result<T>
where
    StoreError: From<E>,
{
    with_timeout(OPERATION_TIMEOUT, operation).await
}

/// Converts a length to the unit of both back ends.
pub(crate) fn to_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
