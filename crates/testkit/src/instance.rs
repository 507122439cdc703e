//! The real binary as a process with its own data, on free ports.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response};
use serde_json::Value;

pub use crate::installation::{Installation, Stores};
use crate::photos::jpeg;

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
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    pub base: String,
    pub ops: String,
    pub grpc: String,
    pub campaign: String,
    pub vote: String,
    pub http: Client,
}

impl RunningInstance {
    async fn start(installation: &Installation) -> Self {
        let mut child = installation
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect_lines(child.stdout.take().unwrap(), &lines);
        collect_lines(child.stderr.take().unwrap(), &lines);
        let mut app = Self {
            child,
            lines,
            base: String::new(),
            ops: String::new(),
            grpc: String::new(),
            campaign: installation.campaign.clone(),
            vote: installation.vote.clone(),
            http: Client::new(),
        };
        app.base = app.wait_for_address("the form is at ").await;
        app.ops = app.wait_for_address("readiness are at ").await;
        app.grpc = app.wait_for_address("gRPC is at ").await;
        app.wait_until("it is ready and has totals", async |app| {
            app.readiness_status().await == 200 && app.total().await.is_some()
        })
        .await;
        app
    }

    /// Waits for a log line with these words and returns the `http://host:port` that follows.
    async fn wait_for_address(&mut self, words: &str) -> String {
        let start = Instant::now();
        while start.elapsed() < DEFAULT_TIMEOUT {
            let found = self.log().iter().find_map(|line| {
                let rest = line.split_once(words)?.1;
                let end = rest.char_indices().filter(|(_, c)| *c == '/').nth(2)?.0;
                Some(rest[..end].to_owned())
            });
            if let Some(address) = found {
                return address;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the instance ended with {status}: {:?}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no line with '{words}': {:?}", self.log());
    }

    /// Returns all lines of standard output and standard error so far.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
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

    pub fn pid(&self) -> u32 {
        self.child.id()
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

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits until the process exits.
    pub async fn wait_for_exit(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                start.elapsed() < Duration::from_secs(40),
                "the instance does not end"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn collect_lines(output: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}

impl Drop for RunningInstance {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
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
