//! One invented person at the door: sends, and sends again with the same key, until there is a receipt.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::multipart;
use reqwest::{Response, header, redirect};
use url::Url;

use super::answer::{Registered, Verdict, pause};
use crate::domain::Form;

/// Longest time for one try, as in the page's script.
const STALLED: Duration = Duration::from_secs(30);
/// Longest time to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// Most bytes of an answer that are read: the chart of a thousand cities has some 60,000.
const MOST_BYTES: usize = 4 << 20;

/// Sends registrations to one address.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: Url,
    patience: Duration,
}

/// What one person sends.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The texts.
    pub form: Form,
    /// Name of the photo's field, and the photo.
    pub photo: Option<(String, Bytes)>,
    /// The same on every try; without one it is tried only once, since a second try would be another registration.
    pub key: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The last word; [`Verdict::Again`] when patience ran out.
    pub last: Verdict,
    /// The status of each try that failed; `None` where there was no answer.
    pub failed: Vec<Option<u16>>,
    /// From the first byte sent to the last word.
    pub waited: Duration,
}

impl Outcome {
    /// The receipt, if there is one.
    #[must_use]
    pub fn registered(&self) -> Option<&Registered> {
        match &self.last {
            Verdict::Registered(registered) => Some(registered),
            Verdict::Again { .. } | Verdict::Refused(_) => None,
        }
    }
}

/// A client that goes straight to where it is told, by no proxy and no redirect.
///
/// # Errors
/// When the system gives it nothing to work with.
pub fn http() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(STALLED)
        .build()
}

impl Client {
    /// Sends to this address; nobody waits longer than `patience` for a receipt.
    #[must_use]
    pub fn new(http: reqwest::Client, address: Url, patience: Duration) -> Self {
        Self {
            http,
            address,
            patience,
        }
    }

    /// Registers one person, whatever it takes.
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

/// The whole body of an answer; `None` when it breaks off or has no end.
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
    // Every try shares the bytes. The length is told, so that the server reserves no more than it takes.
    let part = multipart::Part::stream_with_length(photo.clone(), photo.len() as u64);
    form.part(name.clone(), part.file_name("foto.jpg"))
}

/// Without randomness every client waits equally long, which is only less kind.
fn chance() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).ok();
    byte[0]
}
