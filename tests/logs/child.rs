//! A process that logs at a fixed rate: this test binary again, running one test that is otherwise ignored.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jornada::config::{Env, FromEnv};
use jornada_runtime::logs;
use jornada_runtime::logs::LogsConfig;
use tempfile::TempDir;
use tracing::{info, info_span};

use jornada_testkit::instance::DEFAULT_TIMEOUT;

/// Lines per second.
const RATE: u32 = 10_000;

/// The process itself. A first line on standard input ends the flood, a second one the process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by other tests as a process of its own"]
async fn flooding_process() {
    let env = Env::read().unwrap();
    let logs = logs::start(&LogsConfig::from_env(&env).unwrap(), "jornada").unwrap();
    let (flooding, running) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicBool::new(true)),
    );
    let (flood, run) = (flooding.clone(), running.clone());
    std::thread::spawn(move || {
        let mut words = std::io::stdin().lines();
        words.next();
        flood.store(false, Ordering::Relaxed);
        words.next();
        run.store(false, Ordering::Relaxed);
    });
    let slice = Duration::from_millis(10);
    let mut turns = tokio::time::interval(slice);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while running.load(Ordering::Relaxed) {
        turns.tick().await;
        let lines = if flooding.load(Ordering::Relaxed) {
            RATE / 100
        } else {
            1
        };
        for _ in 0..lines {
            log_one_line();
        }
    }
    let (dropped, file) = (
        logs.dropped().clone(),
        env.get("FLOOD_NOT_IN_LOKI").unwrap(),
    );
    logs.shut_down().await;
    std::fs::write(file, dropped.count_missing_in_loki().to_string()).unwrap();
}

/// Logs a line as long as that of a request, under the target of the service: other targets are filtered.
fn log_one_line() {
    let span =
        info_span!(target: "jornada", "request", request_id = "4bd4c9fae9dc4b05a6a6ab0f4a5e1a3d");
    span.in_scope(|| {
        info!(
            target: "jornada",
            method = "POST",
            route = "/api/v1/campaigns/{campaign}/registrations",
            status = 201,
            ms = 12,
            "POST /api/v1/campaigns/{{campaign}}/registrations 201 in 12 ms"
        );
    });
}

/// The process, as the test controls it.
pub struct FloodProcess {
    child: Child,
    stdin: ChildStdin,
    output: Option<ChildStdout>,
    folder: TempDir,
    lines: Arc<AtomicUsize>,
    reader: Option<JoinHandle<()>>,
}

impl FloodProcess {
    /// Starts the process without reading its standard output.
    pub fn start(loki: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "child::flooding_process",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .current_dir(folder.path())
            .env_clear()
            .env("JORNADA_LOKI", loki)
            .env("JORNADA_LOG_FORMAT", "json")
            .env(
                "FLOOD_NOT_IN_LOKI",
                folder.path().join("not_in_loki").as_os_str(),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdin: child.stdin.take().unwrap(),
            output: child.stdout.take(),
            child,
            folder,
            lines: Arc::default(),
            reader: None,
        }
    }

    /// Starts to read standard output and to count its lines.
    pub fn read(&mut self) {
        let (output, lines) = (self.output.take().unwrap(), self.lines.clone());
        self.reader = Some(std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The test harness writes too, and its first output shares a line with the first log line.
                let is_log_line = line.contains(r#"{"timestamp":"#);
                lines.fetch_add(usize::from(is_log_line), Ordering::Relaxed);
            }
        }));
    }

    /// Returns the number of log lines on standard output so far.
    pub fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    /// Ends the flood; a second call ends the process.
    pub fn stop_next(&mut self) {
        self.stdin.write_all(b"\n").unwrap();
    }

    /// Returns the resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let mut status = String::new();
        let mut file = std::fs::File::open(path).unwrap();
        file.read_to_string(&mut status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() << 10
    }

    /// Waits until the process exits and its output is read. Returns how many lines it counted as missing in Loki.
    pub async fn wait_for_exit(&mut self) -> usize {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(
                start.elapsed() < DEFAULT_TIMEOUT,
                "the process does not end"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let count = std::fs::read_to_string(self.folder.path().join("not_in_loki")).unwrap();
        count.parse().unwrap()
    }
}

impl Drop for FloodProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
