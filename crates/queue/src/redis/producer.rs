//! Appends records to a stream of Redis.

use std::fmt;

use redis::aio::ConnectionManager;

use super::connection;
use crate::budget::ReservedBytes;
use crate::error::QueueError;
use crate::outgoing::OutgoingRecord;
use crate::setting::RedisSetting;

/// A producer of one stream.
pub(crate) struct RedisProducer {
    connection: ConnectionManager,
    stream: String,
}

impl fmt::Debug for RedisProducer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RedisProducer");
        shown.field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl RedisProducer {
    pub(crate) fn open(setting: &RedisSetting) -> Result<Self, QueueError> {
        Ok(Self {
            connection: connection::lazy(setting)?,
            stream: setting.stream.clone(),
        })
    }

    /// Checks that Redis answers, and keeps what it confirms.
    pub(crate) async fn check(&self) -> Result<(), QueueError> {
        connection::require_durability(&self.connection).await
    }

    /// Sends records in one pipeline. After an error none counts as confirmed: a few may be in the stream.
    pub(crate) async fn send(
        &self,
        records: &[OutgoingRecord],
        _reserved: ReservedBytes,
    ) -> Result<(), (QueueError, Vec<usize>)> {
        let mut pipe = redis::Pipeline::with_capacity(records.len());
        for record in records {
            let append = pipe.cmd("XADD").arg(&self.stream).arg("*");
            append
                .arg("key")
                .arg(&record.key)
                .arg("value")
                .arg(&record.value);
            append.ignore();
        }
        let sent: Result<(), _> = pipe.query_async(&mut self.connection.clone()).await;
        sent.map_err(|error| (error.into(), (0..records.len()).collect()))
    }
}
