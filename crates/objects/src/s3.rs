//! Photos and finished reports in an S3 bucket.

mod failure;
mod http;
mod object_client;
mod sdk;
mod signer;

use std::fs::File;
use std::io::Seek;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::StreamBody;
use hyper::body::Frame;
use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio_stream::StreamExt;
use tokio_util::io::ReaderStream;

use super::encryption::{CHUNK_BYTES, EncryptedFile, EncryptedPhoto};
use super::error::{ObjectError, Result};
use super::key::{ObjectKey, ObjectReader};
use super::setting::S3Setting;
use object_client::ObjectClient;
use sdk::{bucket_url, build_client, credentials, if_exists, timeouts, to_object_error};
use signer::Signer;

/// Maximum duration of the upload of a report. One of a million registrations has about 90 MB.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);
/// Interval between uploaded chunks, which limits an upload to 8 MiB/s: uploads of photos have priority.
const CHUNK_INTERVAL: Duration = Duration::from_millis(8);
/// Name of the empty object that is written to test whether the store accepts objects.
const PROBE_KEY: &str = "trial";

/// Object store in an S3 bucket.
#[derive(Clone, Debug)]
pub struct S3Backend {
    /// The SDK, for everything but single objects.
    client: Client,
    /// Or why there is no such client.
    objects: Result<ObjectClient, &'static str>,
    bucket: String,
}

impl S3Backend {
    pub(super) fn new(setting: &S3Setting) -> Self {
        Self {
            client: build_client(setting),
            objects: build_object_client(setting),
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
        self.objects()?.put(PROBE_KEY, Bytes::new()).await
    }

    pub(super) async fn put(&self, key: &ObjectKey, photo: &EncryptedPhoto) -> Result<()> {
        let objects = self.objects()?;
        objects.put(&key.to_string(), photo.bytes().clone()).await
    }

    /// Reads the first `bytes` bytes of a photo, or all of it up to one byte more than a photo may have.
    pub(super) async fn read(
        &self,
        key: &ObjectKey,
        bytes: Option<usize>,
    ) -> Result<Option<Bytes>> {
        self.objects()?.get(&key.to_string(), bytes).await
    }

    pub(super) async fn remove(&self, key: &ObjectKey) -> Result<()> {
        self.objects()?.remove(&key.to_string()).await
    }

    /// Uploads a report file as a stream.
    pub(super) async fn put_file(&self, key: &ObjectKey, encrypted: &EncryptedFile) -> Result<()> {
        let timeouts = timeouts(UPLOAD_TIMEOUT, UPLOAD_TIMEOUT);
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

    /// Returns length and reader of a report file.
    pub(super) async fn open(&self, key: &ObjectKey) -> Result<Option<(u64, ObjectReader)>> {
        let get = self.client.get_object().bucket(&self.bucket);
        let Some(object) = if_exists(get.key(key.to_string()).send().await)? else {
            return Ok(None);
        };
        let length = object.content_length().map_or(u64::MAX, i64::unsigned_abs);
        Ok(Some((length, Box::pin(object.body.into_async_read()))))
    }

    /// Sends the key of every object under a prefix with its modification time, in the order of their names. Stops when
    /// the receiver is dropped.
    pub(super) async fn list(
        &self,
        prefix: String,
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

    pub(super) async fn ping(&self) -> Result<()> {
        let answer = self.client.head_bucket().bucket(&self.bucket).send().await;
        answer.map(drop).map_err(to_object_error)
    }

    fn objects(&self) -> Result<&ObjectClient> {
        let objects = self.objects.as_ref();
        objects.map_err(|problem| ObjectError::Failed((*problem).into()))
    }
}

fn build_object_client(setting: &S3Setting) -> Result<ObjectClient, &'static str> {
    let url = bucket_url(setting).ok_or("invalid bucket or region: check JORNADA_PHOTOS")?;
    let signer = Signer::new(credentials(setting), &setting.region);
    ObjectClient::new(url, signer)
        .map_err(|_| "no root certificates for TLS: install the package ca-certificates")
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
