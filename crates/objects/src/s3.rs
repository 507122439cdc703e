//! Photos and finished reports in an S3 bucket.

use std::fs::File;
use std::io::Seek;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures_util::TryStreamExt;
use http_body_util::StreamBody;
use hyper::body::Frame;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::sync::mpsc::Sender;
use tokio_stream::StreamExt;
use tokio_util::io::ReaderStream;

use super::encryption::{CHUNK_BYTES, EncryptedFile, EncryptedPhoto};
use super::error::{ObjectError, Result};
use super::key::{ObjectKey, ObjectReader};
use super::setting::S3Setting;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ATTEMPTS: u32 = 3;
/// Maximum duration of the upload of a report. One of a million registrations has about 90 MB.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);
/// Interval between uploaded chunks, which limits an upload to 8 MiB/s: uploads of photos have priority.
const CHUNK_INTERVAL: Duration = Duration::from_millis(8);
/// Name of the empty object that is written to test whether the store accepts objects.
const PROBE_KEY: &str = "trial";

/// Object store in an S3 bucket.
#[derive(Clone, Debug)]
pub struct S3Backend {
    client: Client,
    bucket: String,
}

impl S3Backend {
    pub(super) fn new(setting: &S3Setting) -> Self {
        Self {
            client: build_client(setting),
            bucket: setting.bucket.clone(),
        }
    }

    /// Creates the bucket if it is missing.
    pub(super) async fn prepare(&self) -> Result<()> {
        let known = self.client.head_bucket().bucket(&self.bucket).send().await;
        if if_exists(known)?.is_some() {
            return Ok(());
        }
        let create = self.client.create_bucket().bucket(&self.bucket);
        match create.send().await {
            // Another instance may create it at the same time.
            Err(error)
                if !matches!(
                    error.code(),
                    Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")
                ) =>
            {
                Err(to_object_error(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes an empty object under a name that no photo has.
    pub(super) async fn try_put(&self) -> Result<()> {
        self.prepare().await?;
        let trial = self.client.put_object().bucket(&self.bucket).key(PROBE_KEY);
        let taken = trial.body(ByteStream::from_static(b"")).send().await;
        taken.map(drop).map_err(to_object_error)
    }

    pub(super) async fn put(&self, key: &ObjectKey, photo: &EncryptedPhoto) -> Result<()> {
        let checksum = crc32fast::hash(photo.bytes()).to_be_bytes();
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            // Detects damage in transit. Deliberate changes are detected on decryption, so signing a digest of the
            // whole body would add nothing.
            .checksum_crc32(data_encoding::BASE64.encode(&checksum))
            .body(ByteStream::from(photo.bytes().clone()))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map(drop)
            .map_err(to_object_error)
    }

    /// Uploads a report file as a stream.
    pub(super) async fn put_file(&self, key: &ObjectKey, encrypted: &EncryptedFile) -> Result<()> {
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
            .map_err(to_object_error)
    }

    /// Returns length and reader of an object, or of its first `bytes` bytes.
    pub(super) async fn open(
        &self,
        key: &ObjectKey,
        bytes: Option<usize>,
    ) -> Result<Option<(u64, ObjectReader)>> {
        let get = self.client.get_object().bucket(&self.bucket);
        let range = bytes.map(|bytes| format!("bytes=0-{}", bytes - 1));
        let found = get.key(key.to_string()).set_range(range).send().await;
        // An empty object has no valid range.
        if matches!(&found, Err(error) if status_code(error) == Some(416)) {
            return Ok(Some((0, Box::pin(tokio::io::empty()))));
        }
        let Some(object) = if_exists(found)? else {
            return Ok(None);
        };
        let length = object.content_length().map_or(u64::MAX, i64::unsigned_abs);
        Ok(Some((length, Box::pin(object.body.into_async_read()))))
    }

    pub(super) async fn head(&self, key: &ObjectKey) -> Result<Option<Timestamp>> {
        let head = self.client.head_object().bucket(&self.bucket);
        let found = if_exists(head.key(key.to_string()).send().await)?;
        found
            .map(|known| parse_modified(known.last_modified()))
            .transpose()
    }

    /// Sends the key of every object under a prefix with its modification time, in the order of their names. Stops when
    /// the receiver is dropped.
    pub(super) async fn list(
        &self,
        prefix: &str,
        objects: Sender<(ObjectKey, Timestamp)>,
    ) -> Result<()> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let mut pages = list.prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(to_object_error)?;
            for object in page.contents() {
                let Some(key) = object.key().and_then(ObjectKey::parse) else {
                    continue;
                };
                let modified = parse_modified(object.last_modified())?;
                if objects.send((key, modified)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(super) async fn remove(&self, key: &ObjectKey) -> Result<()> {
        let remove = self.client.delete_object().bucket(&self.bucket);
        let removed = remove.key(key.to_string()).send().await;
        removed.map(drop).map_err(to_object_error)
    }

    pub(super) async fn ping(&self) -> Result<()> {
        let answer = self.client.head_bucket().bucket(&self.bucket).send().await;
        answer.map(drop).map_err(to_object_error)
    }
}

fn build_client(setting: &S3Setting) -> Client {
    let session = setting
        .session_token
        .as_ref()
        .map(|token| token.expose_secret().to_owned());
    let keys = Credentials::new(
        &setting.access_key,
        setting.secret_key.expose_secret(),
        session,
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT);
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(build_http_client(setting))
        .region(Region::new(setting.region.clone()))
        .credentials_provider(keys)
        .timeout_config(timeouts.build())
        // The timeouts limit every attempt, and measuring the throughput of each body costs as much as reading it.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &setting.endpoint {
        config = config
            .endpoint_url(endpoint.as_str())
            .force_path_style(true);
    }
    Client::from_conf(config.build())
}

fn build_http_client(setting: &S3Setting) -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    let plain = setting
        .endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.scheme() == "http");
    // Loading the root certificates takes tens of milliseconds; skip it for plain HTTP.
    if plain {
        builder.build_http()
    } else {
        builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https()
    }
}

/// Streams the file from its start, one chunk per [`CHUNK_INTERVAL`].
fn throttled_body(file: &File) -> Result<ByteStream> {
    let unreadable = |_| ObjectError::Failed("cannot read the file of a report".into());
    let mut file = file.try_clone().map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let chunks = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES);
    let frames = chunks.map_ok(Frame::data).throttle(CHUNK_INTERVAL);
    Ok(ByteStream::from_body_1_x(StreamBody::new(frames)))
}

fn parse_modified(modified: Option<&DateTime>) -> Result<Timestamp> {
    let moment = modified.and_then(|told| Timestamp::from_second(told.secs()).ok());
    moment.ok_or_else(|| ObjectError::Failed("object without a modification time".into()))
}

/// Returns `None` if the object or bucket does not exist.
fn if_exists<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> Result<Option<T>> {
    match result {
        Err(error) if status_code(&error) == Some(404) => Ok(None),
        result => result.map(Some).map_err(to_object_error),
    }
}

fn status_code<E>(error: &SdkError<E>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// Converts an error by its code alone: the messages of S3 repeat the key.
fn to_object_error<E: ProvideErrorMetadata>(error: SdkError<E>) -> ObjectError {
    match error {
        SdkError::TimeoutError(_) => ObjectError::timed_out(),
        SdkError::DispatchFailure(_) => ObjectError::Unavailable("cannot connect".into()),
        SdkError::ResponseError(_) => ObjectError::Unavailable("invalid response".into()),
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or("no code");
            let words = format!("status {status}, {code}");
            if status >= 500 || matches!(status, 408 | 429) {
                ObjectError::Unavailable(words)
            } else {
                ObjectError::Failed(words)
            }
        }
        _ => ObjectError::Failed("cannot build the request".into()),
    }
}
