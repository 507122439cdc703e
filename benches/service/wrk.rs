//! Sends many requests to one URL by wrk (Debian package `wrk`), which uses little of the CPU that it shares with the
//! instance.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Result of wrk.
pub struct WrkResult {
    pub requests: f64,
    pub per_second: f64,
    /// In milliseconds.
    pub p50: f64,
    /// In milliseconds.
    pub p99: f64,
}

/// Sends requests for `seconds`, on each connection as soon as the previous one is answered.
pub fn run(url: &str, connections: usize, seconds: usize) -> Result<WrkResult> {
    let asked = Command::new("wrk")
        .args([
            "-t1",
            "--latency",
            &format!("-c{connections}"),
            &format!("-d{seconds}s"),
            url,
        ])
        .output()
        .context("cannot run wrk: apt-get install wrk")?;
    let told = String::from_utf8(asked.stdout)?;
    ensure!(asked.status.success(), "wrk failed: {told}");
    ensure!(
        !told.contains("Non-2xx") && !told.contains("Socket errors"),
        "{told}"
    );
    let word = |line: &str, place: usize| {
        let found = told.lines().map(str::trim).find(|told| told.contains(line));
        found
            .and_then(|told| told.split_whitespace().nth(place))
            .with_context(|| told.clone())
    };
    Ok(WrkResult {
        requests: word("requests in", 0)?.parse()?,
        per_second: word("Requests/sec", 1)?.parse()?,
        p50: milliseconds(word("50%", 1)?)?,
        p99: milliseconds(word("99%", 1)?)?,
    })
}

fn milliseconds(told: &str) -> Result<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let read = units
        .iter()
        .find_map(|(unit, factor)| Some((told.strip_suffix(unit)?, factor)));
    let (number, factor) = read.context("a time without a unit")?;
    Ok(number.parse::<f64>()? * factor)
}
