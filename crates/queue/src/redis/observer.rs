//! Looks at what waits in a stream of Redis.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{RedisError, Value, from_redis_value};

use super::connection;
use crate::error::QueueError;
use crate::setting::RedisSetting;
use crate::state::{QueueState, age};

/// A consumer that asked for entries no longer ago counts as reading: it shows its presence every 10 s.
const READING: Duration = Duration::from_secs(25);

/// A connection to the stream.
#[derive(Clone)]
pub(crate) struct RedisObserver {
    setting: RedisSetting,
    connection: ConnectionManager,
}

impl fmt::Debug for RedisObserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RedisObserver");
        shown
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}

impl RedisObserver {
    pub(crate) fn open(setting: &RedisSetting) -> Result<Self, QueueError> {
        Ok(Self {
            setting: setting.clone(),
            connection: connection::lazy(setting)?,
        })
    }

    pub(crate) async fn state(&self) -> Result<QueueState, QueueError> {
        let RedisSetting { stream, group, .. } = &self.setting;
        let mut connection = self.connection.clone();
        let mut look = redis::pipe();
        look.cmd("XINFO").arg("GROUPS").arg(stream);
        look.cmd("XPENDING").arg(stream).arg(group);
        look.cmd("XINFO").arg("CONSUMERS").arg(stream).arg(group);
        look.cmd("XLEN").arg(stream);
        let looked = look.query_async(&mut connection).await;
        let (groups, pending, consumers, length): (Vec<Fields>, Vec<Value>, Vec<Fields>, u64) =
            looked.map_err(|error| self.explain(error))?;
        let of_group = |fields: &&Fields| text(fields, "name").as_deref() == Some(group);
        let found = groups.iter().find(of_group);
        let found = found.ok_or_else(|| self.missing())?;
        let last_delivered = text(found, "last-delivered-id").unwrap_or_default();
        let pending_count = number(pending.first()).unwrap_or_default();
        let mut range = redis::cmd("XRANGE");
        range
            .arg(stream)
            .arg(format!("({last_delivered}"))
            .arg("+")
            .arg("COUNT")
            .arg(1);
        let unread: Vec<Value> = range.query_async(&mut connection).await?;
        let undelivered = match number(found.get("lag")) {
            _ if unread.is_empty() => 0,
            // After a restart Redis 7.0 gives a number that is too high until the stream is empty.
            Some(undelivered) => undelivered.min(length),
            None => return Err(QueueError::Unsuitable("Redis does not know the lag".into())),
        };
        let first_pending = pending.get(1).and_then(id_milliseconds);
        let first_unread = unread.first().and_then(first_of_entry);
        let oldest = first_pending.into_iter().chain(first_unread).min();
        let is_reading = |fields: &&Fields| {
            let idle = number(fields.get("idle"));
            idle.is_some_and(|idle| Duration::from_millis(idle) < READING)
        };
        Ok(QueueState {
            lag: undelivered + pending_count,
            oldest_age: Some(oldest.map_or(Duration::ZERO, age)),
            consumers: consumers.iter().filter(is_reading).count() as u64,
        })
    }

    fn explain(&self, error: RedisError) -> QueueError {
        let is_missing =
            error.code() == Some("NOGROUP") || error.to_string().contains("no such key");
        if is_missing {
            self.missing()
        } else {
            error.into()
        }
    }

    fn missing(&self) -> QueueError {
        let RedisSetting { stream, group, .. } = &self.setting;
        QueueError::Unsuitable(format!(
            "the stream {stream} has no group {group}: create it with: jornada queue create"
        ))
    }
}

type Fields = HashMap<String, Value>;

fn text(fields: &Fields, name: &str) -> Option<String> {
    fields
        .get(name)
        .cloned()
        .and_then(|value| from_redis_value(value).ok())
}

fn number(value: Option<&Value>) -> Option<u64> {
    value
        .cloned()
        .and_then(|value| from_redis_value(value).ok())
}

/// Returns the time in an id `MILLISECONDS-NUMBER`.
fn id_milliseconds(id: &Value) -> Option<u64> {
    let id: String = from_redis_value(id.clone()).ok()?;
    id.split('-').next()?.parse().ok()
}

fn first_of_entry(entry: &Value) -> Option<u64> {
    match entry {
        Value::Array(parts) => parts.first().and_then(id_milliseconds),
        _ => None,
    }
}
