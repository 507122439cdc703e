//! Creates the stream and its group of consumers.

use redis::RedisError;
use redis::aio::ConnectionManager;

use super::connection;
use crate::error::QueueError;
use crate::setting::RedisSetting;

/// Creates stream and group. Returns whether the group is new.
pub(crate) async fn create_group(setting: &RedisSetting) -> Result<bool, QueueError> {
    let connection = connection::lazy(setting)?;
    connection::require_durability(&connection).await?;
    ensure_group(&connection, setting).await
}

/// Creates stream and group unless they exist. The group begins with the first record of the stream.
pub(super) async fn ensure_group(
    connection: &ConnectionManager,
    setting: &RedisSetting,
) -> Result<bool, QueueError> {
    let mut create = redis::cmd("XGROUP");
    create
        .arg("CREATE")
        .arg(&setting.stream)
        .arg(&setting.group);
    create.arg("0").arg("MKSTREAM");
    let created: Result<(), RedisError> = create.query_async(&mut connection.clone()).await;
    match created {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some("BUSYGROUP") => Ok(false),
        Err(error) => Err(error.into()),
    }
}
