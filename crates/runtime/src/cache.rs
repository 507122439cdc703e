//! Connection to Redis. Reconnects automatically. Short timeouts turn an unavailable Redis into an error, not a wait.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};
use secrecy::{ExposeSecret, SecretString};

/// Maximum wait for a connection or an answer.
const REDIS_TIMEOUT: Duration = Duration::from_secs(1);

/// `JORNADA_CACHE`.
#[derive(Clone, Debug)]
pub enum CacheSetting {
    /// `memory:`; totals are stored in this process.
    Memory,
    /// `redis://…` or `rediss://…`.
    Redis(SecretString),
}

/// Creates a connection that connects on first use. Fails if the URL is invalid.
pub fn lazy_connection(url: &SecretString) -> RedisResult<ConnectionManager> {
    let client = Client::open(url.expose_secret())?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        .set_response_timeout(Some(REDIS_TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(REDIS_TIMEOUT);
    ConnectionManager::new_lazy_with_config(client, config)
}
