//! Connections to Redis, and leases in it. A connection reconnects automatically. Short timeouts turn an unavailable Redis
//! into an error, not a wait.

use std::sync::LazyLock;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, Script};
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

/// Returns a name for a lease holder. Unique even if two processes were given the same name by mistake.
pub fn holder_name(instance: &str) -> String {
    format!("{instance} {}", uuid::Uuid::new_v4())
}

/// Acquires or renews a lease. Returns whether `holder` has it now.
pub async fn acquire_lease(
    connection: &ConnectionManager,
    key: &str,
    holder: &str,
    length: Duration,
) -> RedisResult<bool> {
    static SCRIPT: LazyLock<Script> =
        LazyLock::new(|| Script::new(include_str!("cache/acquire.lua")));
    let mut call = SCRIPT.key(key);
    call.arg(holder).arg(length.as_millis().to_string());
    call.invoke_async(&mut connection.clone()).await
}

/// Releases a lease if `holder` has it. After an error it expires by itself.
pub async fn release_lease(
    connection: &ConnectionManager,
    key: &str,
    holder: &str,
) -> RedisResult<()> {
    static SCRIPT: LazyLock<Script> =
        LazyLock::new(|| Script::new(include_str!("cache/release.lua")));
    let mut call = SCRIPT.key(key);
    call.arg(holder).invoke_async(&mut connection.clone()).await
}
