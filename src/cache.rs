//! The connection to Redis: one that mends itself, with bounds that make a Redis which is away an error soon, never a
//! wait.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};
use secrecy::{ExposeSecret, SecretString};

/// Longest wait for an answer or a connection.
const WAIT: Duration = Duration::from_secs(1);

/// `JORNADA_CACHE`.
#[derive(Clone, Debug)]
pub enum CacheSetting {
    /// `memory:`; totals live in this process.
    Memory,
    /// `redis://…` or `rediss://…`.
    Redis(SecretString),
}

/// It is connected to when it is first used.
///
/// # Errors
/// A URL that the client does not understand.
pub fn connection(url: &SecretString) -> RedisResult<ConnectionManager> {
    let client = Client::open(url.expose_secret())?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(WAIT))
        .set_response_timeout(Some(WAIT))
        .set_number_of_retries(1)
        .set_max_delay(WAIT);
    ConnectionManager::new_lazy_with_config(client, config)
}
