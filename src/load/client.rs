//! HTTP client of one invented person: sends a registration and retries with the same key until there is a receipt.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::multipart;
use reqwest::{Response, header, redirect};
use url::Url;

use super::answer::{Registered, Verdict, pause};
use crate::domain::Form;

/// Timeout of one attempt, as in the page's script.
const STALLED: Duration = Duration::from_secs(30);
/// Timeout of connecting.
const CONNECT: Duration = Duration::from_secs(5);
/// Maximum body of a response; totals of a thousand cities take about 60 KB.
const MOST_BYTES: usize = 4 << 20;

/// Sends registrations to one URL.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: Url,
    patience: Duration,
}

/// A registration request.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Field values.
    pub form: Form,
    /// Name of the photo field, and the photo.
    pub photo: Option<(String, Bytes)>,
    /// Idempotency key, the same in every attempt. Without a key there are no retries: they would register again.
    pub key: Option<String>,
}

/// Result of a request, retries included.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Result of the last attempt; [`Verdict::Again`] if the time ran out.
    pub last: Verdict,
    /// Status of each failed attempt; `None` without a response.
    pub failed: Vec<Option<u16>>,
    /// Time from the first attempt to the last result.
    pub waited: Duration,
}

impl Outcome {
    /// Returns the acknowledgement, if there is one.
    #[must_use]
    pub fn registered(&self) -> Option<&Registered> {
        match &self.last {
            Verdict::Registered(registered) => Some(registered),
            Verdict::Again { .. } | Verdict::Refused(_) => None,
        }
    }
}

/// Builds a client that ignores proxies and redirects.
pub fn http() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(STALLED)
        .build()
}

impl Client {
    /// Creates a client for one URL that retries for a limited time.
    #[must_use]
    pub fn new(http: reqwest::Client, address: Url, patience: Duration) -> Self {
        Self {
            http,
            address,
            patience,
        }
    }

    /// Registers one person, with retries.
    pub async fn register(&self, parcel: &Parcel) -> Outcome {
        let start = Instant::now();
        let mut failed = Vec::new();
        loop {
            let last = self.attempt(parcel).await;
            if let Verdict::Again {
                status,
                retry_after,
            } = last
            {
                failed.push(status);
                let tries = u32::try_from(failed.len()).unwrap_or(u32::MAX);
                let pause = pause(tries, retry_after, chance());
                if parcel.key.is_some() && start.elapsed() + pause < self.patience {
                    tokio::time::sleep(pause).await;
                    continue;
                }
            }
            return Outcome {
                last,
                failed,
                waited: start.elapsed(),
            };
        }
    }

    async fn attempt(&self, parcel: &Parcel) -> Verdict {
        let mut request = self.http.post(self.address.clone()).multipart(body(parcel));
        if let Some(key) = &parcel.key {
            request = request.header("Idempotency-Key", key);
        }
        let Ok(mut answer) = request.send().await else {
            return Verdict::SILENCE;
        };
        let Some(body) = whole(&mut answer).await else {
            return Verdict::SILENCE;
        };
        let retry_after = answer.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|asked| asked.to_str().ok());
        Verdict::of(answer.status().as_u16(), retry_after, &body)
    }
}

/// Reads the body of a response; `None` if it breaks off or is larger than 4 MiB.
pub async fn whole(answer: &mut Response) -> Option<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > MOST_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body.freeze())
}

fn body(parcel: &Parcel) -> multipart::Form {
    let texts = parcel.form.parts.iter().cloned();
    let form = texts.fold(multipart::Form::new(), |form, (name, value)| {
        form.text(name, value)
    });
    let Some((name, photo)) = &parcel.photo else {
        return form;
    };
    // Attempts share the bytes. Sends the length, so that the server reserves no more than needed.
    let part = multipart::Part::stream_with_length(photo.clone(), photo.len() as u64);
    form.part(name.clone(), part.file_name("foto.jpg"))
}

/// Returns a random byte; zero if the system has no randomness, which only removes the jitter.
fn chance() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).ok();
    byte[0]
}
