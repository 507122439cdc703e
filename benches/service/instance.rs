//! The binary as a process, observed from outside: time until ready, CPU time and memory (proc(5)).

use std::fs::{self, File};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Client;

use jornada_testkit::instance::{DEFAULT_TIMEOUT, Installation};

/// Clock ticks per second in `/proc`; constant since Linux 2.6.
const TICKS: f64 = 100.0;

/// Lines of `/proc/PID/task/*/status`.
const SWITCHES: [&str; 2] = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];

/// A running instance; stopped on drop.
pub struct Instance {
    child: Child,
    /// URL of the public listener; empty for a consumer.
    pub base: String,
    /// URL of the operations listener.
    pub ops: String,
    /// Time from the start of the process to the first 200 of `/readyz`.
    pub ready_after: Duration,
}

impl Instance {
    /// Starts an instance with its log in a file and waits until it is ready.
    pub async fn start(installation: &Installation, http: &Client) -> Result<Self> {
        Self::start_role(installation, http, "serve").await
    }

    /// Starts an instance, or a consumer of votes, by the name of its role.
    pub async fn start_role(
        installation: &Installation,
        http: &Client,
        role: &str,
    ) -> Result<Self> {
        let log = installation.folder.path().join(format!("{role}.log"));
        let output = File::create(&log)?;
        let begun = Instant::now();
        let child = installation.command(&[role]).stdout(output).spawn()?;
        let mut instance = Self {
            child,
            base: String::new(),
            ops: String::new(),
            ready_after: Duration::ZERO,
        };
        instance.ops = loop {
            let told = fs::read_to_string(&log)?;
            if let Some(ops) = address(&told, "readiness are at ") {
                instance.base = address(&told, "the form is at ").unwrap_or_default();
                break ops;
            }
            ensure!(
                begun.elapsed() < DEFAULT_TIMEOUT,
                "the instance does not start"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        while !http
            .get(format!("{}/readyz", instance.ops))
            .send()
            .await?
            .status()
            .is_success()
        {
            ensure!(
                begun.elapsed() < DEFAULT_TIMEOUT,
                "the instance does not get ready"
            );
        }
        instance.ready_after = begun.elapsed();
        Ok(instance)
    }

    /// Returns the CPU seconds of the process so far, user and system.
    pub fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        // The name may contain any character: fields 3 and on follow it, utime and stime are the 12th and 13th of them.
        let (_, rest) = stat.rsplit_once(") ").context("a stat without a name")?;
        let ticks = rest.split(' ').skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
    }

    /// Returns the context switches of all threads so far: voluntary ones, when a thread waits, and involuntary ones.
    pub fn context_switches(&self) -> Result<[f64; 2]> {
        let mut switches = [0.0; 2];
        for task in fs::read_dir(self.proc("task"))? {
            // A thread may have ended since.
            let Ok(status) = fs::read_to_string(task?.path().join("status")) else {
                continue;
            };
            for (sum, name) in switches.iter_mut().zip(SWITCHES) {
                *sum += field(&status, name)?.parse::<f64>()?;
            }
        }
        Ok(switches)
    }

    /// Returns the resident memory in MiB.
    pub fn resident(&self) -> Result<f64> {
        self.memory("VmRSS:")
    }

    /// Returns the peak of resident memory since [`Self::forget_peak`], in MiB.
    pub fn peak(&self) -> Result<f64> {
        self.memory("VmHWM:")
    }

    /// Resets the peak of resident memory.
    pub fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(self.proc("clear_refs"), "5")?)
    }

    fn memory(&self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let kib = field(&status, name)?.strip_suffix(" kB");
        Ok(kib.context("no unit")?.parse::<f64>()? / 1024.0)
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SIGTERM, so that it releases the lead in Redis.
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status().ok();
        self.child.wait().ok();
    }
}

/// Returns the value of a line in a `status` file.
fn field<'a>(status: &'a str, name: &str) -> Result<&'a str> {
    let found = status.lines().find_map(|line| line.strip_prefix(name));
    Ok(found.with_context(|| format!("no {name}"))?.trim())
}

/// Returns the `http://host:port` that follows these words in the log.
fn address(log: &str, words: &str) -> Option<String> {
    let (_, rest) = log.split_once(words)?;
    let (end, _) = rest.match_indices('/').nth(2)?;
    Some(rest[..end].to_owned())
}
