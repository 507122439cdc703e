//! Requests for single objects: signed by the SDK's signer, sent without its orchestrator, which costs several times
//! as much as everything else. Each request may be repeated: a key never holds two different photos.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, RANGE};
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{Failure, Retry};
use super::http::{HttpClient, build_http_client};
use super::signer::Signer;
use crate::encryption::MAX_ENCRYPTED_BYTES;
use crate::error::Result;

/// Time limit of the response to each attempt, without the body of a photo.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of all attempts together.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const MAX_ATTEMPTS: u32 = 3;
/// Time limit of the body of a photo.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Delay before the second attempt; then doubled. Up to the same again is added at random.
const RETRY_DELAY: Duration = Duration::from_millis(50);
/// How much longer to wait if the server asks for fewer requests.
const THROTTLE_FACTOR: u32 = 20;
const MAX_ERROR_BYTES: usize = 16 * 1024;
/// Characters that the signature requires to be encoded in a path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Client for single objects of one bucket.
#[derive(Clone, Debug)]
pub(super) struct ObjectClient {
    http: HttpClient,
    signer: Arc<Signer>,
    bucket_url: String,
}

impl ObjectClient {
    /// Creates a client. Does not connect yet. Fails if the system has no root certificates for an `https` URL.
    pub(super) fn new(bucket_url: String, signer: Signer) -> std::io::Result<Self> {
        Ok(Self {
            http: build_http_client(bucket_url.starts_with("https:"))?,
            signer: Arc::new(signer),
            bucket_url,
        })
    }

    /// Stores an object.
    pub(super) async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let checksum = crc32fast::hash(&bytes).to_be_bytes();
        let request = self
            .request(Method::PUT, key)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, bytes.len())
            .header(
                "x-amz-checksum-crc32",
                data_encoding::BASE64.encode(&checksum),
            )
            .body(Full::new(bytes));
        let stored = self.send(request, 0).await;
        stored.map(drop).map_err(|failure| failure.error)
    }

    /// Reads the first `first` bytes of an object, or all of it up to one byte more than a photo may have. Returns
    /// `None` if there is none.
    pub(super) async fn get(&self, key: &str, first: Option<usize>) -> Result<Option<Bytes>> {
        let mut request = self.request(Method::GET, key);
        if let Some(first) = first {
            request = request.header(RANGE, format!("bytes=0-{}", first.saturating_sub(1)));
        }
        let limit = first.unwrap_or(MAX_ENCRYPTED_BYTES + 1);
        match self.send(request.body(Full::default()), limit).await {
            // An empty object has no valid range.
            Err(failure) if failure.status == Some(StatusCode::RANGE_NOT_SATISFIABLE) => {
                Ok(Some(Bytes::new()))
            }
            found => Ok(if_exists(found)?.map(Response::into_body)),
        }
    }

    /// Deletes an object; succeeds if there is none.
    pub(super) async fn remove(&self, key: &str) -> Result<()> {
        let request = self.request(Method::DELETE, key).body(Full::default());
        let removed = self.send(request, 0).await;
        removed.map(drop).map_err(|failure| failure.error)
    }

    fn request(&self, method: Method, key: &str) -> request::Builder {
        let url = format!("{}/{}", self.bucket_url, utf8_percent_encode(key, ENCODED));
        Request::builder().method(method).uri(url)
    }

    /// Sends a request until it succeeds, fails for good, or its limits are reached. Returns the response with at most
    /// the first `limit` bytes of its body.
    async fn send(
        &self,
        request: hyper::http::Result<Request<Full<Bytes>>>,
        limit: usize,
    ) -> Result<Response<Bytes>, Failure> {
        let request = request.map_err(|_| Failure::invalid_request())?;
        let deadline = Instant::now() + OPERATION_TIMEOUT;
        let backoff = ExponentialBuilder::new()
            .with_min_delay(RETRY_DELAY)
            .with_max_times(MAX_ATTEMPTS as usize - 1)
            .with_jitter();
        let mut is_first = true;
        (|| self.attempt(&request, limit, deadline))
            .retry(backoff)
            .when(|failure| failure.retry != Retry::Never)
            .adjust(|failure, delay| {
                let delay = match failure.retry {
                    Retry::AtOnce if is_first => delay.map(|_| Duration::ZERO),
                    Retry::Throttled => delay.map(|delay| delay * THROTTLE_FACTOR),
                    _ => delay,
                };
                is_first = false;
                delay.filter(|delay| Instant::now() + *delay < deadline)
            })
            .await
    }

    async fn attempt(
        &self,
        request: &Request<Full<Bytes>>,
        limit: usize,
        deadline: Instant,
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = request.clone();
        self.signer.sign(&mut request)?;
        let deadline = deadline.min(Instant::now() + ATTEMPT_TIMEOUT);
        let response = timeout_at(deadline, self.http.request(request)).await;
        let (head, body) = response.map_err(|_| Failure::timed_out())??.into_parts();
        if !head.status.is_success() {
            // The status decides if the code cannot be read.
            let body = timeout_at(deadline, read_body(body, MAX_ERROR_BYTES)).await;
            let body = body.ok().and_then(Result::ok).unwrap_or_default();
            return Err(Failure::from_response(head.status, &body));
        }
        let downloaded = timeout(DOWNLOAD_TIMEOUT, read_body(body, limit)).await;
        let Ok(Ok(body)) = downloaded else {
            return Err(Failure::interrupted_download());
        };
        Ok(Response::from_parts(head, body))
    }
}

/// Reads at most the first `limit` bytes of a body.
async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, hyper::Error> {
    let length = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    let mut read = BytesMut::with_capacity(length.min(limit));
    while read.len() < limit
        && let Some(frame) = body.frame().await
    {
        if let Some(bytes) = frame?.data_ref() {
            read.extend_from_slice(&bytes[..bytes.len().min(limit - read.len())]);
        }
    }
    Ok(read.freeze())
}

/// Returns `None` if the object or bucket does not exist.
fn if_exists<T>(found: Result<T, Failure>) -> Result<Option<T>> {
    match found {
        Err(failure) if failure.status == Some(StatusCode::NOT_FOUND) => Ok(None),
        found => found.map(Some).map_err(|failure| failure.error),
    }
}

#[cfg(test)]
mod tests;
