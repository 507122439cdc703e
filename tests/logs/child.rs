//! A process that logs as fast as it is told: this test binary again, with one test that is otherwise left out.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jornada::config::{Env, FromEnv, LogsConfig};
use jornada::telemetry::logs;
use tempfile::TempDir;
use tracing::{info, info_span};

use crate::support::app::SOON;

/// Lines a second.
const RATE: u32 = 10_000;

/// The process itself. A line on standard input ends the flood, another one the process.
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
            one_line();
        }
    }
    let (dropped, file) = (
        logs.dropped().clone(),
        env.get("FLOOD_NOT_IN_LOKI").unwrap(),
    );
    logs.end().await;
    std::fs::write(file, dropped.not_in_loki().to_string()).unwrap();
}

/// As long as the line of a request, and told to be one of the library's: others' are kept quiet.
fn one_line() {
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

/// The process, seen from the test.
pub struct Flood {
    child: Child,
    orders: ChildStdin,
    output: Option<ChildStdout>,
    folder: TempDir,
    lines: Arc<AtomicUsize>,
    reader: Option<JoinHandle<()>>,
}

impl Flood {
    /// Starts; nobody reads its standard output yet.
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
            orders: child.stdin.take().unwrap(),
            output: child.stdout.take(),
            child,
            folder,
            lines: Arc::default(),
            reader: None,
        }
    }

    /// Reads standard output from now on, and counts its lines.
    pub fn read(&mut self) {
        let (output, lines) = (self.output.take().unwrap(), self.lines.clone());
        self.reader = Some(std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The test harness writes as well, before the first line even on the same one.
                let is_told = line.contains(r#"{"timestamp":"#);
                lines.fetch_add(usize::from(is_told), Ordering::Relaxed);
            }
        }));
    }

    /// Lines on standard output so far.
    pub fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    /// Ends the flood, or, told again, the process.
    pub fn order(&mut self) {
        self.orders.write_all(b"\n").unwrap();
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let mut status = String::new();
        let mut file = std::fs::File::open(path).unwrap();
        file.read_to_string(&mut status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() << 10
    }

    /// Waits for the end, and until its output is read; answers how many lines the process says that Loki did not get.
    pub async fn ended(&mut self) -> usize {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < SOON, "the process does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let told = std::fs::read_to_string(self.folder.path().join("not_in_loki")).unwrap();
        told.parse().unwrap()
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
