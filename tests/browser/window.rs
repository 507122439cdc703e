//! A browser window with its own profile, and what a person does in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::Method;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use jornada_testkit::servers::variable;

/// Maximum wait for a condition on a page.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Emulated device.
#[derive(Clone, Copy, Debug)]
pub enum Device {
    /// A phone, 360 px wide.
    Phone,
    /// A phone with JavaScript disabled.
    PhoneWithoutScripts,
    /// A tablet in portrait orientation, 768 px wide.
    Tablet,
    /// A desktop computer, 1280 px wide.
    Desktop,
}

pub struct Window {
    client: Client,
    /// `host:port` of the driver.
    address: String,
    /// Session id of the driver.
    session: String,
    driver: Child,
    _profile: TempDir,
}

impl Window {
    pub async fn open(device: Device) -> Self {
        let (driver, port) = start_driver();
        let profile = tempfile::tempdir().unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let capabilities = capabilities(device, profile.path());
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

    /// Makes the driver close its browser, which would otherwise outlive it; also after a failed test.
    fn end_session(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let path = format!("/session/{}", self.session);
        write!(
            stream,
            "DELETE {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        // The response arrives when the browser has exited; the driver keeps the connection open.
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
        self.with_element(selector, async |element| element.send_keys(text).await)
            .await;
    }

    pub async fn click(&self, selector: &str) {
        self.with_element(selector, async |element| element.click().await)
            .await;
    }

    pub async fn text(&self, selector: &str) -> String {
        self.with_element(selector, async |element| element.text().await)
            .await
    }

    /// Waits until an element has this text, also while the next page is loading.
    pub async fn wait_for_text(&self, selector: &str, expected: &str) {
        let start = Instant::now();
        loop {
            let text = self.text(selector).await;
            if text == expected {
                return;
            }
            assert!(start.elapsed() < TIMEOUT, "{selector} has the text {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn value(&self, selector: &str) -> String {
        self.with_element(selector, async |element| element.prop("value").await)
            .await
            .unwrap_or_default()
    }

    /// Acts on an element. Finds it again while one page is replaced by the next: the driver reports that before it acts.
    async fn with_element<T>(
        &self,
        selector: &str,
        act: impl AsyncFn(&Element) -> Result<T, CmdError>,
    ) -> T {
        let start = Instant::now();
        loop {
            let found = self.client.find(Locator::Css(selector)).await;
            let result = match found {
                Ok(element) => act(&element).await,
                Err(error) => Err(error),
            };
            match result {
                Err(error) if is_replaced(&error) && start.elapsed() < TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                result => return result.unwrap_or_else(|error| panic!("{selector}: {error}")),
            }
        }
    }

    /// Blocks all scripts of pages, as a bad network may.
    pub async fn block_scripts(&self) {
        for (command, parameters) in [
            ("Network.enable", json!({})),
            ("Network.setBlockedURLs", json!({"urls": ["*.js"]})),
        ] {
            let command = DevTools(json!({"cmd": command, "params": parameters}));
            self.client.issue_cmd(command).await.unwrap();
        }
    }

    /// Runs a script of the test, whatever the security policy of the page.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Runs a script that returns its result later, by calling its last argument.
    pub async fn run_async(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.unwrap()
    }

    /// Waits until a JavaScript expression is true.
    pub async fn wait_until(&self, expression: &str) {
        let start = Instant::now();
        let script = format!("return Boolean({expression})");
        loop {
            // Fails while one page is replaced by the next.
            let answer = self.client.execute(&script, Vec::new()).await;
            if answer.is_ok_and(|answer| answer == true) {
                return;
            }
            if start.elapsed() > TIMEOUT {
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

    /// Limits uploads to this many bytes per second; `None` removes the limit.
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

    /// Returns the errors in the console: failed scripts and requests, violations of the security policy.
    pub async fn console_errors(&self) -> Vec<String> {
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

/// Tells whether an element is missing because one page is being replaced by the next, or may still come.
fn is_replaced(error: &CmdError) -> bool {
    error.is_stale_element_reference() || error.is_no_such_element()
}

/// Starts a driver, and returns its port. It ends at once if another process takes the port that it chose, for IPv4 or IPv6.
fn start_driver() -> (Child, String) {
    let start = || {
        let mut driver = Command::new(variable("JORNADA_TEST_CHROMEDRIVER"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = driver_port(&mut driver);
        if port.is_none() {
            driver.wait().ok();
        }
        port.map(|port| (driver, port))
    };
    let mut tries = (0..5).filter_map(|_| start());
    tries.next().expect("the driver does not start")
}

/// Returns the port, or `None` if the driver ends.
fn driver_port(driver: &mut Child) -> Option<String> {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.unwrap();
        let port = line.split_once("successfully on port ")?.1;
        Some(port.trim_end_matches('.').to_owned())
    });
    // Keep reading, or the driver would exit at its next line.
    std::thread::spawn(move || lines.for_each(drop));
    port
}

fn capabilities(device: Device, profile: &Path) -> Value {
    let mut options = json!({
        "binary": variable("JORNADA_TEST_CHROMIUM"),
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--lang=es", "--hide-scrollbars", "--window-size=1280,1000",
            format!("--user-data-dir={}", profile.display()),
        ],
    });
    let size = match device {
        Device::Phone | Device::PhoneWithoutScripts => Some((360, 740)),
        Device::Tablet => Some((768, 1024)),
        Device::Desktop => None,
    };
    if let Some((width, height)) = size {
        let metrics = json!({"width": width, "height": height, "pixelRatio": 2, "touch": true});
        options["mobileEmulation"] = json!({"deviceMetrics": metrics});
    }
    if matches!(device, Device::PhoneWithoutScripts) {
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
