//! Report files in the bucket: uploaded and downloaded as streams.

use std::fs::File;
use std::io::Seek;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use futures_util::TryStreamExt;
use http_body_util::StreamBody;
use hyper::body::Frame;
use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio_stream::StreamExt;
use tokio_util::io::ReaderStream;

use super::{CONNECT_TIMEOUT, S3Backend, parse_modified, status_code, to_object_error};
use crate::ObjectError;
use crate::encryption::{CHUNK_BYTES, EncryptedFile};
use crate::key::{FileKey, ObjectReader, REPORTS_PREFIX};

/// Maximum duration of an upload. A report of a million registrations has about 90 MB.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);
/// Interval between uploaded chunks, which limits an upload to 8 MiB/s: uploads of photos have priority.
const CHUNK_INTERVAL: Duration = Duration::from_millis(8);

impl S3Backend {
    pub(crate) async fn put_file(
        &self,
        key: &FileKey,
        encrypted: &EncryptedFile,
    ) -> Result<(), ObjectError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(UPLOAD_TIMEOUT)
            .operation_timeout(UPLOAD_TIMEOUT)
            .build();
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .checksum_sha256(data_encoding::BASE64.encode(&encrypted.sha256))
            .content_length(encrypted.bytes.cast_signed())
            .body(throttled_body(encrypted.file())?)
            .customize()
            // The signed checksum header covers the body.
            .disable_payload_signing()
            .config_override(aws_sdk_s3::Config::builder().timeout_config(timeouts))
            .send()
            .await
            .map(drop)
            .map_err(|error| to_object_error(&error))
    }

    pub(crate) async fn file(
        &self,
        key: &FileKey,
    ) -> Result<Option<(u64, ObjectReader)>, ObjectError> {
        let find = self.client.get_object().bucket(&self.bucket);
        let object = match find.key(key.to_string()).send().await {
            Ok(object) => object,
            Err(error) if status_code(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(to_object_error(&error)),
        };
        let bytes = object.content_length().unwrap_or_default();
        let reading: ObjectReader = Box::pin(object.body.into_async_read());
        Ok(Some((bytes.unsigned_abs(), reading)))
    }

    /// Sends the key of every report file with its modification time. Stops when the receiver is dropped.
    pub(crate) async fn list_files(
        &self,
        files: Sender<(FileKey, Timestamp)>,
    ) -> Result<(), ObjectError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let mut pages = list
            .prefix(format!("{REPORTS_PREFIX}/"))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| to_object_error(&error))?;
            for object in page.contents() {
                let Some(key) = object.key().and_then(FileKey::parse) else {
                    continue;
                };
                let put_at = parse_modified(object.last_modified())?;
                if files.send((key, put_at)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn remove_file(&self, key: &FileKey) -> Result<(), ObjectError> {
        let remove = self.client.delete_object().bucket(&self.bucket);
        let removed = remove.key(key.to_string()).send().await;
        removed.map(drop).map_err(|error| to_object_error(&error))
    }
}

/// Streams the file from its start, one chunk per [`CHUNK_INTERVAL`].
fn throttled_body(file: &File) -> Result<ByteStream, ObjectError> {
    let unreadable = || ObjectError::Failed("cannot read the file of a report".into());
    let mut file = file.try_clone().map_err(|_| unreadable())?;
    file.rewind().map_err(|_| unreadable())?;
    let chunks = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES);
    let frames = chunks.map_ok(Frame::data).throttle(CHUNK_INTERVAL);
    Ok(ByteStream::from_body_1_x(StreamBody::new(frames)))
}
