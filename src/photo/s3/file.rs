//! Files of any size in the bucket: streamed up and down.

use std::fs::File;
use std::io::Seek;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::{ByteStream, Length};

use super::{CONNECT, S3Photos, failure, status};
use crate::photo::PhotosError;
use crate::photo::file::{FileKey, Reading};
use crate::photo::seal::{CHUNK_BYTES, SealedFile};

/// Longest upload: the list of a million people has about 60 MB.
const UPLOAD: Duration = Duration::from_mins(5);

impl S3Photos {
    pub(in crate::photo) async fn put_file(
        &self,
        key: &FileKey,
        sealed: &SealedFile,
    ) -> Result<(), PhotosError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(UPLOAD)
            .operation_timeout(UPLOAD)
            .build();
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .checksum_sha256(data_encoding::BASE64.encode(&sealed.sha256))
            .body(body(sealed.file(), sealed.bytes).await?)
            .customize()
            // The checksum header is signed and says what the body is.
            .disable_payload_signing()
            .config_override(aws_sdk_s3::Config::builder().timeout_config(timeouts))
            .send()
            .await
            .map(drop)
            .map_err(|error| failure(&error))
    }

    pub(in crate::photo) async fn file(
        &self,
        key: &FileKey,
    ) -> Result<Option<(u64, Reading)>, PhotosError> {
        let find = self.client.get_object().bucket(&self.bucket);
        let object = match find.key(key.to_string()).send().await {
            Ok(object) => object,
            Err(error) if status(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(failure(&error)),
        };
        let bytes = object.content_length().unwrap_or_default();
        let reading: Reading = Box::pin(object.body.into_async_read());
        Ok(Some((bytes.unsigned_abs(), reading)))
    }

    pub(in crate::photo) async fn remove_file(&self, key: &FileKey) -> Result<(), PhotosError> {
        let remove = self.client.delete_object().bucket(&self.bucket);
        let removed = remove.key(key.to_string()).send().await;
        removed.map(drop).map_err(|error| failure(&error))
    }
}

async fn body(file: &File, bytes: u64) -> Result<ByteStream, PhotosError> {
    let unreadable = || PhotosError::Failed("a file that cannot be read".into());
    let mut file = file.try_clone().map_err(|_| unreadable())?;
    file.rewind().map_err(|_| unreadable())?;
    let reading = ByteStream::read_from()
        .file(tokio::fs::File::from_std(file))
        .length(Length::Exact(bytes))
        .buffer_size(CHUNK_BYTES);
    reading.build().await.map_err(|_| unreadable())
}
