//! The real binary as a process with its own data, on free ports.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;

use crate::photos::jpeg;
use crate::servers::{random_name, variable};

/// Default maximum wait for a condition.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

/// Where an instance stores its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// SQLite, a folder and memory.
    Embedded,
    /// MongoDB, S3 and Redis.
    Servers,
}

/// The settings and data that several instances share.
pub struct Installation {
    pub folder: TempDir,
    pub settings: Vec<(String, String)>,
    /// Id of the campaign with photo; random, so that tests can share Redis and S3.
    pub campaign: String,
    /// Id of the campaign without photo and document.
    pub vote: String,
}

impl Installation {
    pub fn new(stores: Stores) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = random_name();
        let (campaign, vote) = (format!("vac-{name}"), format!("voto-{name}"));
        let ids = [
            ("vacunacion", &campaign),
            ("mejor-disco", &vote),
            ("simulacro", &format!("sim-{name}")),
        ];
        write_campaigns(&folder.path().join("campaigns"), &ids);
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut settings = vec![
            ("JORNADA_LISTEN".into(), "127.0.0.1:0".into()),
            ("JORNADA_OPS_LISTEN".into(), "127.0.0.1:0".into()),
            ("JORNADA_CAMPAIGNS".into(), path("campaigns")),
            ("JORNADA_LOG_FORMAT".into(), "json".into()),
            (
                "JORNADA_SECRET".into(),
                format!("a secret of the tests {name}"),
            ),
        ];
        settings.extend(match stores {
            Stores::Embedded => vec![
                (
                    "JORNADA_STORE".into(),
                    format!("sqlite:{}", path("data/jornada.db")),
                ),
                (
                    "JORNADA_PHOTOS".into(),
                    format!("file:{}", path("data/photos")),
                ),
            ],
            Stores::Servers => server_settings(&name),
        });
        Self {
            folder,
            settings,
            campaign,
            vote,
        }
    }

    /// Changes the text of a campaign file before the start.
    pub fn edit_campaign(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("campaigns").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, edit(text)).unwrap();
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.into(), value.into()));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.settings.clone());
        command
    }

    /// Starts an instance and waits until it is ready.
    pub async fn start(&self) -> RunningInstance {
        RunningInstance::start(self).await
    }

    /// Creates an API token.
    pub fn create_token(&self) -> String {
        let made = self.command(&["token", "new", "test"]).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }
}

/// Returns the path of the binary, which Cargo builds for the tests and benchmarks of the root package.
#[expect(
    clippy::disallowed_methods,
    reason = "Cargo passes the path as a variable"
)]
fn program() -> OsString {
    std::env::var_os("CARGO_BIN_EXE_jornada").expect("run by Cargo as a test of the root package")
}

fn server_settings(name: &str) -> Vec<(String, String)> {
    let mongodb = variable("JORNADA_TEST_MONGODB").replacen("/?", &format!("/test_{name}?"), 1);
    let s3 = variable("JORNADA_TEST_S3");
    vec![
        ("JORNADA_STORE".into(), mongodb),
        (
            "JORNADA_PHOTOS".into(),
            format!("s3://jornada-test?endpoint={s3}&region=us-east-1"),
        ),
        ("JORNADA_CACHE".into(), variable("JORNADA_TEST_REDIS")),
        ("JORNADA_PHOTO_KEY".into(), "a1".repeat(32)),
        (
            "AWS_ACCESS_KEY_ID".into(),
            variable("JORNADA_TEST_S3_ACCESS_KEY"),
        ),
        (
            "AWS_SECRET_ACCESS_KEY".into(),
            variable("JORNADA_TEST_S3_SECRET_KEY"),
        ),
    ]
}

/// The tally of the campaign with persons: shows the small counts that are hidden by default.
const EVERY_COUNT: &str = "\n[[tallies]]\nid = \"ciudad\"\nby = [\"ciudad\"]\nsuppress_below = 0\n";

/// Copies the shipped campaigns under other ids, and lets the one with persons show every count.
fn write_campaigns(folder: &Path, ids: &[(&str, &String)]) {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../campaigns");
    std::fs::create_dir(folder).unwrap();
    for entry in std::fs::read_dir(shipped).unwrap() {
        let from = entry.unwrap().path();
        let to = folder.join(from.file_name().unwrap());
        let text = std::fs::read_to_string(&from).unwrap();
        let text = ids.iter().fold(text, |text, (shipped, id)| {
            text.replace(&format!("{shipped:?}"), &format!("{id:?}"))
        });
        let text = if from.ends_with("vacunacion.toml") {
            text + EVERY_COUNT
        } else {
            text
        };
        std::fs::write(to, text).unwrap();
    }
}

/// A running instance; killed on drop.
pub struct RunningInstance {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    pub base: String,
    pub ops: String,
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
            campaign: installation.campaign.clone(),
            vote: installation.vote.clone(),
            http: Client::new(),
        };
        app.base = app.wait_for_address("the form is at ").await;
        app.ops = app.wait_for_address("readiness are at ").await;
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
