//! The real binary as a process with its own data, on free ports.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response};
use serde_json::Value;

pub use crate::installation::{Installation, Stores};
use crate::photos::jpeg;
pub use crate::process::RunningProcess;

/// Default maximum wait for a condition.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

impl Installation {
    /// Starts an instance and waits until it is ready.
    pub async fn start(&self) -> RunningInstance {
        RunningInstance::start(self).await
    }
}

/// A running instance; killed on drop.
pub struct RunningInstance {
    process: RunningProcess,
    pub base: String,
    pub ops: String,
    pub grpc: String,
    pub campaign: String,
    pub vote: String,
    pub http: Client,
}

impl Deref for RunningInstance {
    type Target = RunningProcess;

    fn deref(&self) -> &RunningProcess {
        &self.process
    }
}

impl DerefMut for RunningInstance {
    fn deref_mut(&mut self) -> &mut RunningProcess {
        &mut self.process
    }
}

impl RunningInstance {
    async fn start(installation: &Installation) -> Self {
        let mut process = RunningProcess::start(installation.command(&["serve"]));
        let app = Self {
            base: process.wait_for_address("the form is at ").await,
            ops: process.wait_for_address("readiness are at ").await,
            grpc: process.wait_for_address("gRPC is at ").await,
            process,
            campaign: installation.campaign.clone(),
            vote: installation.vote.clone(),
            http: Client::new(),
        };
        app.wait_until("it is ready and has totals", async |app| {
            app.readiness_status().await == 200 && app.total().await.is_some()
        })
        .await;
        app
    }

    /// Waits until a condition is true; `claim` describes it in the panic message.
    pub async fn wait_until(&self, claim: &str, holds: impl AsyncFn(&Self) -> bool) {
        self.wait_until_within(claim, DEFAULT_TIMEOUT.as_secs(), holds)
            .await;
    }

    /// Waits up to `seconds`, otherwise like [`Self::wait_until`].
    pub async fn wait_until_within(
        &self,
        claim: &str,
        seconds: u64,
        holds: impl AsyncFn(&Self) -> bool,
    ) {
        let start = Instant::now();
        while !holds(self).await {
            assert!(
                start.elapsed().as_secs() < seconds,
                "still not true: {claim}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the status of `/readyz`, or 0 without a response.
    pub async fn readiness_status(&self) -> u16 {
        let asked = self.http.get(format!("{}/readyz", self.ops)).send().await;
        asked.map_or(0, |answer| answer.status().as_u16())
    }

    pub fn registrations_url(&self, campaign: &str) -> String {
        format!("{}/api/v1/campaigns/{campaign}/registrations", self.base)
    }

    /// Sends a form to the API.
    pub async fn send(&self, form: Form, key: Option<&str>) -> Response {
        let mut request = self
            .http
            .post(self.registrations_url(&self.campaign))
            .multipart(form);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        request.send().await.unwrap()
    }

    /// Registers an invented person through the API.
    pub async fn register(&self, name: &str, document: &str, city: &str) -> Response {
        self.send(form_with_photo(name, document, city), None).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap()
    }

    /// Returns the page with the form of the campaign.
    pub async fn show_form(&self) -> String {
        let page = self.get(&format!("/c/{}", self.campaign)).await;
        page.text().await.unwrap()
    }

    pub async fn report(&self, file: &str, token: &str) -> Response {
        let url = format!(
            "{}/api/v1/campaigns/{}/reports/{file}",
            self.base, self.campaign
        );
        self.http.get(url).bearer_auth(token).send().await.unwrap()
    }

    /// Returns the total of the chart, or `None` while there is no chart.
    pub async fn total(&self) -> Option<u64> {
        let chart = self.chart().await?;
        chart["total"].as_u64()
    }

    pub async fn chart(&self) -> Option<Value> {
        let answer = self
            .get(&format!("/api/v1/campaigns/{}/chart", self.campaign))
            .await;
        answer.status().is_success().then_some(())?;
        answer.json().await.ok()
    }
}

/// Returns a complete form of the campaign.
pub fn form_with_photo(name: &str, document: &str, city: &str) -> Form {
    form_without_photo(name, document, city).part("foto", photo_part(jpeg(0)))
}

/// Returns the form without the photo.
pub fn form_without_photo(name: &str, document: &str, city: &str) -> Form {
    Form::new()
        .text("nombre", name.to_owned())
        .text("documento", document.to_owned())
        .text("ciudad", city.to_owned())
        .text("consent", "true")
}

/// Returns a form part with a photo.
pub fn photo_part(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes)
        .file_name("foto.jpg")
        .mime_str("image/jpeg")
        .unwrap()
}

/// Asserts that the response is a problem document (RFC 9457) with this status and returns its body.
pub async fn expect_problem(answer: Response, status: u16) -> Value {
    assert_eq!(
        answer.status().as_u16(),
        status,
        "{:?}",
        answer.text().await
    );
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(kind, "application/problem+json");
    assert!(answer.headers().contains_key("x-request-id"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], status);
    body
}
