//! Connections to the Redis of the queue.

use std::collections::HashMap;
use std::time::Duration;

use redis::RedisResult;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::error::QueueError;
use crate::setting::RedisSetting;

/// Maximum wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum wait for an answer, which comes after a write to the disk.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Creates a connection that connects on first use, and again after a failure.
pub(super) fn lazy(setting: &RedisSetting) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(CONNECT_TIMEOUT);
    ConnectionManager::new_lazy_with_config(setting.client()?, config)
}

/// Fails unless Redis keeps what it has confirmed: it writes each command to its log, and syncs the log, before it answers, and
/// evicts no stream.
pub(super) async fn require_durability(connection: &ConnectionManager) -> Result<(), QueueError> {
    let mut pipe = redis::pipe();
    for pattern in ["append*", "maxmemory-policy"] {
        pipe.cmd("CONFIG").arg("GET").arg(pattern);
    }
    let found: Vec<HashMap<String, String>> = pipe.query_async(&mut connection.clone()).await?;
    let value = |name: &str| {
        let found = found.iter().find_map(|settings| settings.get(name));
        found.map_or("unknown", String::as_str)
    };
    for (name, expected) in [("appendonly", "yes"), ("appendfsync", "always")] {
        if value(name) != expected {
            return Err(QueueError::Unsuitable(format!(
                "JORNADA_QUEUE: Redis could lose what it confirmed, because {name} is {}: set {name} {expected}",
                value(name)
            )));
        }
    }
    let policy = value("maxmemory-policy");
    if policy.starts_with("allkeys") {
        return Err(QueueError::Unsuitable(format!(
            "JORNADA_QUEUE: Redis could evict votes, because maxmemory-policy is {policy}: set maxmemory-policy noeviction"
        )));
    }
    Ok(())
}
