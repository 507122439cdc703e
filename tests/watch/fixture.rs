//! Fixture of the watcher tests: targets, an SMTP server, and one or more watcher processes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use super::smtp::{ReceivedMail, Smtp};
use super::targets::Target;

/// Timeout for anything that should happen soon.
const SOON: Duration = Duration::from_secs(30);

/// Environment of the watchers.
pub struct WatchFixture {
    pub smtp: Smtp,
    pub targets: Vec<Target>,
    pub folder: TempDir,
    settings: Vec<(String, String)>,
}

impl WatchFixture {
    /// Starts three targets and an SMTP server, with short intervals.
    pub async fn new() -> Self {
        let mut targets = Vec::new();
        for name in ["app1", "app2", "app3"] {
            targets.push(Target::start(name).await);
        }
        let smtp = Smtp::start().await;
        let urls: Vec<_> = targets.iter().map(Target::url).collect();
        let mut fixture = Self {
            folder: tempfile::tempdir().unwrap(),
            settings: Vec::new(),
            targets,
            smtp,
        };
        fixture.set("JORNADA_WATCH", &urls.join(","));
        fixture.set("JORNADA_SMTP", &fixture.smtp.url());
        for (name, value) in [
            ("JORNADA_WATCH_LISTEN", "127.0.0.1:0"),
            ("JORNADA_WATCH_EVERY", "200ms"),
            ("JORNADA_WATCH_TIMEOUT", "200ms"),
            ("JORNADA_WATCH_QUIET", "1s"),
            ("JORNADA_WATCH_GROUP", "1s"),
            ("JORNADA_MAIL_FROM", "Jornada <jornada@example.org>"),
            ("JORNADA_MAIL_TO", "ana@example.org"),
        ] {
            fixture.set(name, value);
        }
        fixture
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.into(), value.into()));
    }

    /// Removes the short intervals, so that the defaults apply.
    pub fn use_default_rules(&mut self) {
        let quick = ["_EVERY", "_TIMEOUT", "_QUIET", "_GROUP"];
        self.settings.retain(|(name, _)| {
            !quick
                .iter()
                .any(|end| name == &format!("JORNADA_WATCH{end}"))
        });
    }

    /// Returns a command of the watcher `name`, with its own folder.
    pub fn command(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jornada"));
        command
            .arg("watch")
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.settings.clone())
            .env("JORNADA_INSTANCE", name)
            .env("JORNADA_WATCH_DATA", self.folder.path().join(name))
            .env("JORNADA_LOG_FORMAT", "json");
        command
    }

    /// Runs a command to its end without blocking the servers.
    pub async fn run(&self, name: &str, words: &[&str]) -> Output {
        let mut command = self.command(name, words);
        let ran = tokio::task::spawn_blocking(move || command.output());
        ran.await.unwrap().unwrap()
    }

    /// Starts a watcher and waits for its first round.
    pub async fn start_watcher(&self, name: &str) -> Watcher {
        let watcher = Watcher::start(self.command(name, &[])).await;
        watcher
            .wait_until("it has looked once", |status| status["at"].is_string())
            .await;
        watcher
    }

    /// Waits for `count` mails, and a while longer to detect surplus ones.
    pub async fn wait_for_mails(&self, count: usize) -> Vec<ReceivedMail> {
        let start = Instant::now();
        while self.smtp.received().len() < count {
            let taken: Vec<_> = self
                .smtp
                .received()
                .iter()
                .map(ReceivedMail::subject)
                .collect();
            assert!(start.elapsed() < SOON, "only {taken:?} of {count}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let taken = self.smtp.received();
        let subjects: Vec<_> = taken.iter().map(ReceivedMail::subject).collect();
        assert_eq!(taken.len(), count, "{subjects:?}");
        taken
    }
}

/// A running watcher; killed when dropped.
pub struct Watcher {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    pub page: String,
}

impl Watcher {
    async fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (output, kept) = (child.stdout.take().unwrap(), lines.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut watcher = Self {
            child,
            lines,
            page: String::new(),
        };
        let start = Instant::now();
        while watcher.page.is_empty() {
            assert!(
                start.elapsed() < SOON,
                "it does not start: {:?}",
                watcher.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
            let address = watcher.log().iter().find_map(|line| {
                let rest = line.split_once("the status page is at ")?.1;
                Some(rest.split_once("/\"")?.0.to_owned())
            });
            watcher.page = address.unwrap_or_default();
        }
        watcher
    }

    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub async fn get(&self, path: &str) -> String {
        let answer = Client::new()
            .get(format!("{}{path}", self.page))
            .send()
            .await;
        answer.unwrap().text().await.unwrap()
    }

    pub async fn status(&self) -> Value {
        serde_json::from_str(&self.get("/status.json").await).unwrap()
    }

    pub async fn wait_until(&self, claim: &str, holds: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        loop {
            let status = self.status().await;
            if holds(&status) {
                return;
            }
            assert!(start.elapsed() < SOON, "still not true: {claim}: {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until exactly `count` incidents are open.
    pub async fn wait_until_down(&self, count: usize) {
        let is_down = |one: &&Value| one["down_since"].is_string();
        self.wait_until("so many are down", |status| {
            let targets = status["targets"].as_array().unwrap();
            targets.iter().filter(is_down).count() == count
        })
        .await;
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub async fn wait_for_exit(&mut self) -> bool {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(start.elapsed() < SOON, "it does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
