//! Photos and finished reports in an S3 bucket.

mod file;

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
use bytes::Bytes;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::sync::mpsc::Sender;

use super::encryption::{EncryptedPhoto, HEADER_BYTES, MAX_ENCRYPTED_BYTES};
use super::error::ObjectError;
use super::key::PhotoKey;
use super::setting::S3Setting;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_ATTEMPTS: u32 = 3;
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
    pub(super) async fn prepare(&self) -> Result<(), ObjectError> {
        let known = self.client.head_bucket().bucket(&self.bucket).send().await;
        match known {
            Ok(_) => return Ok(()),
            Err(error) if status_code(&error) == Some(404) => {}
            Err(error) => return Err(to_object_error(&error)),
        }
        match self
            .client
            .create_bucket()
            .bucket(&self.bucket)
            .send()
            .await
        {
            // Another instance may create it at the same time.
            Err(error)
                if !matches!(
                    error.code(),
                    Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")
                ) =>
            {
                Err(to_object_error(&error))
            }
            _ => Ok(()),
        }
    }

    /// Writes an empty object under a name that no photo has.
    pub(super) async fn try_put(&self) -> Result<(), ObjectError> {
        self.prepare().await?;
        let trial = self.client.put_object().bucket(&self.bucket).key(PROBE_KEY);
        let taken = trial.body(ByteStream::from_static(b"")).send().await;
        taken.map(drop).map_err(|error| to_object_error(&error))
    }

    pub(super) async fn put(
        &self,
        key: &PhotoKey,
        photo: &EncryptedPhoto,
    ) -> Result<(), ObjectError> {
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
            .map_err(|error| to_object_error(&error))
    }

    /// Reads the header of an object.
    pub(super) async fn start(&self, key: &PhotoKey) -> Result<Option<Bytes>, ObjectError> {
        let range = format!("bytes=0-{}", HEADER_BYTES - 1);
        self.read(key, Some(range)).await
    }

    /// Sends the key of every photo, in the order of their names. Stops when the receiver is dropped.
    pub(super) async fn list(&self, keys: Sender<PhotoKey>) -> Result<(), ObjectError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let mut pages = list.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| to_object_error(&error))?;
            let names = page.contents().iter().filter_map(|object| object.key());
            for key in names.filter_map(PhotoKey::parse) {
                if keys.send(key).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(super) async fn put_at(&self, key: &PhotoKey) -> Result<Option<Timestamp>, ObjectError> {
        let head = self.client.head_object().bucket(&self.bucket);
        let known = match head.key(key.to_string()).send().await {
            Ok(known) => known,
            Err(error) if status_code(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(to_object_error(&error)),
        };
        parse_modified(known.last_modified()).map(Some)
    }

    pub(super) async fn get(&self, key: &PhotoKey) -> Result<Option<Bytes>, ObjectError> {
        self.read(key, None).await
    }

    async fn read(
        &self,
        key: &PhotoKey,
        range: Option<String>,
    ) -> Result<Option<Bytes>, ObjectError> {
        let found = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .set_range(range)
            .send()
            .await;
        let object = match found {
            Ok(object) => object,
            Err(error) if status_code(&error) == Some(404) => return Ok(None),
            // An empty object has no valid range.
            Err(error) if status_code(&error) == Some(416) => return Ok(Some(Bytes::new())),
            Err(error) => return Err(to_object_error(&error)),
        };
        let length = object.content_length().unwrap_or(i64::MAX);
        if usize::try_from(length).is_ok_and(|length| length > MAX_ENCRYPTED_BYTES) {
            return Err(ObjectError::Altered);
        }
        let body = tokio::time::timeout(OPERATION_TIMEOUT, object.body.collect()).await;
        match body {
            Ok(Ok(body)) => Ok(Some(body.into_bytes())),
            _ => Err(ObjectError::Unavailable(
                "download of a photo interrupted".into(),
            )),
        }
    }

    pub(super) async fn remove(&self, key: &PhotoKey) -> Result<(), ObjectError> {
        let removed = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .send()
            .await;
        removed.map(drop).map_err(|error| to_object_error(&error))
    }

    pub(super) async fn ping(&self) -> Result<(), ObjectError> {
        let asked = self.client.head_bucket().bucket(&self.bucket).send();
        match tokio::time::timeout(PING_TIMEOUT, asked).await {
            Ok(answer) => answer.map(drop).map_err(|error| to_object_error(&error)),
            Err(_) => Err(ObjectError::timed_out()),
        }
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

/// Converts the modification time of an object.
fn parse_modified(modified: Option<&DateTime>) -> Result<Timestamp, ObjectError> {
    let moment = modified.and_then(|told| Timestamp::from_second(told.secs()).ok());
    moment.ok_or_else(|| ObjectError::Failed("object without a modification time".into()))
}

fn status_code<E>(error: &SdkError<E>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// Converts an error by its code alone: the messages of S3 repeat the key.
fn to_object_error<E: ProvideErrorMetadata>(error: &SdkError<E>) -> ObjectError {
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
