//! One browser window of its own, with the few things that a person does in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::support::servers::variable;

/// Longest wait for something to show.
const SOON: Duration = Duration::from_secs(20);

/// What kind of window.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A phone, 360 px wide.
    Phone,
    /// A phone that runs no JavaScript.
    PlainPhone,
    /// A tablet held upright, 768 px wide.
    Tablet,
    /// A desk, 1280 px wide.
    Desk,
}

pub struct Window {
    client: Client,
    /// Where the driver listens.
    address: String,
    /// The driver's name for this window.
    session: String,
    driver: Child,
    _profile: TempDir,
}

impl Window {
    pub async fn open(kind: Kind) -> Self {
        let mut driver = Command::new(variable("JORNADA_TEST_CHROMEDRIVER"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port(&mut driver);
        let profile = tempfile::tempdir().unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let capabilities = capabilities(kind, profile.path());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let address = format!("127.0.0.1:{port}");
        let client = builder.connect(&format!("http://{address}")).await.unwrap();
        Self {
            session: client.session_id().await.unwrap().unwrap(),
            address,
            client,
            driver,
            _profile: profile,
        }
    }

    /// Has the driver end its browser, which would outlive it; also after a test that failed.
    fn end_session(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(SOON))?;
        let path = format!("/session/{}", self.session);
        write!(
            stream,
            "DELETE {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        // The answer comes when the browser has ended; the driver keeps the connection.
        stream.read(&mut [0; 1024]).map(drop)
    }

    pub async fn go(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    pub async fn title(&self) -> String {
        self.client.title().await.unwrap()
    }

    pub async fn source(&self) -> String {
        self.client.source().await.unwrap()
    }

    pub async fn write(&self, selector: &str, text: &str) {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    pub async fn click(&self, selector: &str) {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        element.click().await.unwrap();
    }

    pub async fn text(&self, selector: &str) -> String {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        element.text().await.unwrap()
    }

    pub async fn value(&self, selector: &str) -> String {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        element.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Lets no script of a page through, as a bad network may.
    pub async fn block_scripts(&self) {
        for (command, parameters) in [
            ("Network.enable", json!({})),
            ("Network.setBlockedURLs", json!({"urls": ["*.js"]})),
        ] {
            let command = DevTools(json!({"cmd": command, "params": parameters}));
            self.client.issue_cmd(command).await.unwrap();
        }
    }

    /// Runs a script of the test, whatever the page itself may run.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Runs a script that answers later, by calling its last argument.
    pub async fn run_later(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.unwrap()
    }

    /// Waits until an expression of JavaScript is true.
    pub async fn until(&self, expression: &str) {
        let start = Instant::now();
        let script = format!("return Boolean({expression})");
        loop {
            // While one page gives way to the next there is nothing to ask.
            let answer = self.client.execute(&script, Vec::new()).await;
            if answer.is_ok_and(|answer| answer == true) {
                return;
            }
            if start.elapsed() > SOON {
                let page = self
                    .client
                    .execute("return document.body.innerText", Vec::new())
                    .await;
                let path = self.path().await;
                panic!("still not true at {path}: {expression}\n{page:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Limits what goes up to so many bytes a second; `None` lifts the limit.
    pub async fn limit_upload(&self, bytes: Option<u64>) {
        let command = match bytes {
            Some(bytes) => json!({"network_conditions": {
                "offline": false, "latency": 0, "upload_throughput": bytes, "download_throughput": 10_000_000,
            }}),
            None => Value::Null,
        };
        self.client
            .issue_cmd(NetworkConditions(command))
            .await
            .unwrap();
    }

    /// What the browser complained of: scripts that failed, what the security policy forbade.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(BrowserLog).await.unwrap();
        let entries = log.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.end_session().ok();
        let pid = self.driver.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().ok();
        self.driver.wait().ok();
    }
}

fn port(driver: &mut Child) -> String {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| {
        let line = line.unwrap();
        let port = line.split_once("successfully on port ")?.1;
        Some(port.trim_end_matches('.').to_owned())
    });
    // Read on, or the driver would end at its next line.
    std::thread::spawn(move || lines.for_each(drop));
    line.unwrap()
}

fn capabilities(kind: Kind, profile: &Path) -> Value {
    let mut options = json!({
        "binary": variable("JORNADA_TEST_CHROMIUM"),
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--lang=es", "--hide-scrollbars", "--window-size=1280,1000",
            format!("--user-data-dir={}", profile.display()),
        ],
    });
    let size = match kind {
        Kind::Phone | Kind::PlainPhone => Some((360, 740)),
        Kind::Tablet => Some((768, 1024)),
        Kind::Desk => None,
    };
    if let Some((width, height)) = size {
        let metrics = json!({"width": width, "height": height, "pixelRatio": 2, "touch": true});
        options["mobileEmulation"] = json!({"deviceMetrics": metrics});
    }
    if matches!(kind, Kind::PlainPhone) {
        options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
    }
    json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "WARNING"}})
}

#[derive(Debug)]
struct NetworkConditions(Value);

impl WebDriverCompatibleCommand for NetworkConditions {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!(
            "session/{}/chromium/network_conditions",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        match &self.0 {
            Value::Null => (Method::DELETE, None),
            conditions => (Method::POST, Some(conditions.to_string())),
        }
    }
}

#[derive(Debug)]
struct DevTools(Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}

#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}
