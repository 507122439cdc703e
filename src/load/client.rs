//! HTTP client of one invented person: sends a registration and retries with the same key until there is a receipt.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::multipart;
use reqwest::{Response, header, redirect};
use url::Url;

use super::attempt::{AttemptResult, RegistrationReply, retry_delay};
use jornada_domain::FormData;

/// Timeout of one attempt, as in the page's script.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum body of a response; totals of a thousand cities take about 60 KB.
const MAX_BODY_BYTES: usize = 4 << 20;

/// Sends registrations to one URL.
#[derive(Clone, Debug)]
pub struct Client {
    /// See [`build_http_client`].
    pub http: reqwest::Client,
    /// URL of the registrations.
    pub url: Url,
    /// Time for which a registration is retried.
    pub time_limit: Duration,
}

/// A registration request.
#[derive(Clone, Debug)]
pub struct RegistrationRequest {
    /// Field values.
    pub form: FormData,
    /// Name of the photo field, and the photo.
    pub photo: Option<(String, Bytes)>,
    /// Idempotency key, the same in every attempt. Without a key there are no retries: they would register again.
    pub key: Option<String>,
}

/// Result of a request, retries included.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Result of the last attempt; [`AttemptResult::Retry`] if the time ran out.
    pub result: AttemptResult,
    /// Status of each failed attempt; `None` without a response.
    pub failed_statuses: Vec<Option<u16>>,
    /// Time from the first attempt to the last result.
    pub waited: Duration,
}

impl Outcome {
    /// Returns the acknowledgement, if there is one.
    pub fn acknowledgement(&self) -> Option<&RegistrationReply> {
        match &self.result {
            AttemptResult::Registered(registered) => Some(registered),
            AttemptResult::Retry { .. } | AttemptResult::Rejected(_) => None,
        }
    }
}

/// Builds a client that ignores proxies and redirects.
pub fn build_http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ATTEMPT_TIMEOUT)
        .build()
}

impl Client {
    /// Registers one person, with retries.
    pub async fn register(&self, registration: &RegistrationRequest) -> Outcome {
        let start = Instant::now();
        let mut failed = Vec::new();
        loop {
            let last = self.attempt(registration).await;
            if let AttemptResult::Retry {
                status,
                retry_after,
            } = last
            {
                failed.push(status);
                let tries = u32::try_from(failed.len()).unwrap_or(u32::MAX);
                let pause = retry_delay(tries, retry_after, random_byte());
                if registration.key.is_some() && start.elapsed() + pause < self.time_limit {
                    tokio::time::sleep(pause).await;
                    continue;
                }
            }
            return Outcome {
                result: last,
                failed_statuses: failed,
                waited: start.elapsed(),
            };
        }
    }

    async fn attempt(&self, registration: &RegistrationRequest) -> AttemptResult {
        let request = self.http.post(self.url.clone());
        let mut request = request.multipart(build_form(registration));
        if let Some(key) = &registration.key {
            request = request.header("Idempotency-Key", key);
        }
        let Ok(mut answer) = request.send().await else {
            return AttemptResult::NO_RESPONSE;
        };
        let Some(body) = read_body(&mut answer).await else {
            return AttemptResult::NO_RESPONSE;
        };
        let retry_after = answer.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|asked| asked.to_str().ok());
        AttemptResult::from_response(answer.status().as_u16(), retry_after, &body)
    }
}

/// Reads the body of a response; `None` if it breaks off or is larger than 4 MiB.
pub async fn read_body(answer: &mut Response) -> Option<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body.freeze())
}

fn build_form(registration: &RegistrationRequest) -> multipart::Form {
    let texts = registration.form.parts.iter().cloned();
    let form = texts.fold(multipart::Form::new(), |form, (name, value)| {
        form.text(name, value)
    });
    let Some((name, photo)) = &registration.photo else {
        return form;
    };
    // Attempts share the bytes. Sends the length, so that the server reserves no more than needed.
    let part = multipart::Part::stream_with_length(photo.clone(), photo.len() as u64);
    form.part(name.clone(), part.file_name("foto.jpg"))
}

/// Returns a random byte; zero if the system has no randomness, which only removes the jitter.
fn random_byte() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).ok();
    byte[0]
}
