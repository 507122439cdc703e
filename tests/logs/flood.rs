//! 10,000 lines per second while Loki or the reader of standard output does not accept them: memory stays bounded,
//! every line is accepted or counted, and logging resumes afterwards.

use std::time::{Duration, Instant};

use crate::child::FloodProcess;
use crate::loki::{Behaviour, Loki};

/// Maximum growth of memory, in bytes.
const MAX_GROWTH: u64 = 20 << 20;
/// Lines during the outage. With as many and status 400, tracing-loki alone grew by 148 MiB.
const OUTAGE_LINES: usize = 100_000;
/// Maximum wait for a condition, on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);

async fn wait_until(claim: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < TIMEOUT, "still not true: {claim}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for `lines` lines on standard output and returns the peak memory of the process meanwhile, in bytes.
async fn peak_memory(flood: &FloodProcess, lines: usize) -> u64 {
    let start = Instant::now();
    let mut peak = 0;
    while flood.lines() < lines {
        assert!(start.elapsed() < TIMEOUT, "the process logs nothing");
        peak = peak.max(flood.memory());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    peak
}

/// Logs before, during and after an outage. Returns the number of lines logged, in Loki, and counted as missing in
/// Loki.
async fn run_through(behaviour: Behaviour) -> (usize, usize, usize) {
    let loki = Loki::start().await;
    let mut flood = FloodProcess::start(&loki.url());
    flood.read();
    let idle = peak_memory(&flood, 20_000).await;
    assert!(loki.count() > 0, "lines reach Loki");
    loki.set_behaviour(behaviour);
    let peak = peak_memory(&flood, flood.lines() + OUTAGE_LINES).await;
    println!("{behaviour:?}: {} KiB, then {} KiB", idle >> 10, peak >> 10);
    assert!(
        peak < idle + MAX_GROWTH,
        "{behaviour:?}: from {idle} to {peak} bytes"
    );
    loki.set_behaviour(Behaviour::Healthy);
    flood.stop_next();
    wait_until("the number of missing lines is logged in Loki", || {
        loki.has_line("Loki accepts log lines again")
    })
    .await;
    let before = loki.count();
    wait_until("lines reach Loki again", || loki.count() > before).await;
    if let Behaviour::Slow(time) = behaviour {
        // Pushes that started while it was slow are answered after this time.
        tokio::time::sleep(time).await;
    }
    flood.stop_next();
    let dropped = flood.wait_for_exit().await;
    (flood.lines(), loki.count(), dropped)
}

/// Asserts that every line is accounted for, where it is certain what Loki accepted.
async fn check_every_line_is_counted(behaviour: Behaviour) {
    let (logged, accepted, dropped) = run_through(behaviour).await;
    println!("{behaviour:?}: {logged} lines, {accepted} in Loki, {dropped} not");
    assert!(dropped > 0);
    assert_eq!(logged, accepted + dropped);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_counted_while_loki_answers_after_10_s() {
    check_every_line_is_counted(Behaviour::Slow(Duration::from_secs(10))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_counted_while_loki_answers_400() {
    check_every_line_is_counted(Behaviour::Rejecting(400)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_counted_while_loki_answers_429() {
    check_every_line_is_counted(Behaviour::Rejecting(429)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_counted_while_loki_answers_500() {
    check_every_line_is_counted(Behaviour::Rejecting(500)).await;
}

/// A push that is cut off may have been accepted, so that lines in flight at the outage are uncertain.
#[tokio::test(flavor = "multi_thread")]
async fn lines_are_counted_while_loki_is_down() {
    let (logged, accepted, dropped) = run_through(Behaviour::Down).await;
    println!("Down: {logged} lines, {accepted} in Loki, {dropped} not");
    assert!((logged..=logged + 2_000).contains(&(accepted + dropped)));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_while_standard_output_is_not_read() {
    let loki = Loki::start().await;
    let mut flood = FloodProcess::start(&loki.url());
    wait_until("lines reach Loki", || loki.count() > 10_000).await;
    let idle = flood.memory();
    wait_until("more lines reach Loki", || loki.count() > 60_000).await;
    let peak = flood.memory();
    assert!(peak < idle + MAX_GROWTH, "from {idle} to {peak} bytes");
    flood.read();
    flood.stop_next();
    wait_until("the number of missing lines is logged", || {
        loki.has_line("standard output accepts log lines again")
    })
    .await;
    flood.stop_next();
    flood.wait_for_exit().await;
    assert!(flood.lines() < loki.count());
}
