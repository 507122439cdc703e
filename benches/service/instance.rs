//! The binary as a process, seen from outside: when it was ready, its processor time and its memory (proc(5)).

use std::fs::{self, File};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Client;

use super::support::app::{Installation, SOON};

/// Clock ticks a second in `/proc`, the same on every Linux since 2.6.
const TICKS: f64 = 100.0;

/// One running instance; ends with the value.
pub struct Instance {
    child: Child,
    /// The public listener.
    pub base: String,
    /// From the start of the process to the first 200 of `/readyz`.
    pub ready_after: Duration,
}

impl Instance {
    /// Starts it with its log in a file, as under any supervisor, and waits until it is ready.
    pub async fn start(installation: &Installation, http: &Client) -> Result<Self> {
        let log = installation.folder.path().join("log");
        let output = File::create(&log)?;
        let begun = Instant::now();
        let child = installation.command(&["serve"]).stdout(output).spawn()?;
        let mut instance = Self {
            child,
            base: String::new(),
            ready_after: Duration::ZERO,
        };
        let told = loop {
            let told = fs::read_to_string(&log)?;
            if let Some(ops) = address(&told, "readiness are at ") {
                instance.base = address(&told, "the form is at ").context("no address")?;
                break ops;
            }
            ensure!(begun.elapsed() < SOON, "the instance does not start");
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        while !http
            .get(format!("{told}/readyz"))
            .send()
            .await?
            .status()
            .is_success()
        {
            ensure!(begun.elapsed() < SOON, "the instance does not get ready");
        }
        instance.ready_after = begun.elapsed();
        Ok(instance)
    }

    /// Seconds of processor time that the process has taken so far, in user and system.
    pub fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        // After the name, which may hold anything: field 3 and on, so that utime and stime are the 12th and 13th.
        let (_, rest) = stat.rsplit_once(") ").context("a stat without a name")?;
        let ticks = rest.split(' ').skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
    }

    /// Resident memory in MiB: now.
    pub fn resident(&self) -> Result<f64> {
        self.memory("VmRSS:")
    }

    /// Resident memory in MiB: at most, since [`Self::forget_peak`].
    pub fn peak(&self) -> Result<f64> {
        self.memory("VmHWM:")
    }

    /// Takes the peak of resident memory back to what is resident now.
    pub fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(self.proc("clear_refs"), "5")?)
    }

    fn memory(&self, line: &str) -> Result<f64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let found = status.lines().find_map(|told| told.strip_prefix(line));
        let kib = found.and_then(|told| told.trim().strip_suffix(" kB"));
        Ok(kib.context("no such line")?.parse::<f64>()? / 1024.0)
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SIGTERM first, so that it gives up the lead in Redis.
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status().ok();
        self.child.wait().ok();
    }
}

/// The `http://host:port` that stands in a log line after these words.
fn address(log: &str, words: &str) -> Option<String> {
    let (_, rest) = log.split_once(words)?;
    let (end, _) = rest.match_indices('/').nth(2)?;
    Some(rest[..end].to_owned())
}
