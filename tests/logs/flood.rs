//! 10,000 lines a second while Loki, or whoever reads standard output, does not take them: memory stays bounded, every
//! line is taken or counted, and lines go on once it is over.

use std::time::{Duration, Instant};

use crate::child::Flood;
use crate::loki::{Behaviour, Loki};

/// Most that the memory may grow by.
const GROWTH: u64 = 20 << 20;
/// Lines while it is bad. tracing-loki left alone with them, and with a 400, grew by 148 MiB.
const BAD_LINES: usize = 100_000;
/// Longest wait for anything, on a machine that does much at once.
const LATE: Duration = Duration::from_mins(2);

async fn until(claim: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LATE, "still not true: {claim}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for lines on standard output, and answers the most memory that the process had meanwhile.
async fn most_memory(flood: &Flood, lines: usize) -> u64 {
    let start = Instant::now();
    let mut most = 0;
    while flood.lines() < lines {
        assert!(start.elapsed() < LATE, "the flood does not flow");
        most = most.max(flood.memory());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    most
}

/// Through the bad time and out of it again. Answers the lines that were logged, those that Loki has, and those that
/// the process says it has not.
async fn outlives(behaviour: Behaviour) -> (usize, usize, usize) {
    let loki = Loki::start().await;
    let mut flood = Flood::start(&loki.url());
    flood.read();
    let idle = most_memory(&flood, 20_000).await;
    assert!(loki.count() > 0, "lines flow");
    loki.behave(behaviour);
    let most = most_memory(&flood, flood.lines() + BAD_LINES).await;
    println!("{behaviour:?}: {} KiB, then {} KiB", idle >> 10, most >> 10);
    assert!(
        most < idle + GROWTH,
        "{behaviour:?}: from {idle} to {most} bytes"
    );
    loki.behave(Behaviour::Well);
    flood.order();
    until("the number left out is told in Loki", || {
        loki.was_told("Loki accepts log lines again")
    })
    .await;
    let before = loki.count();
    until("lines go on", || loki.count() > before).await;
    if let Behaviour::Slow(time) = behaviour {
        // Pushes that began while it was slow have their answers after this.
        tokio::time::sleep(time).await;
    }
    flood.order();
    let dropped = flood.ended().await;
    (flood.lines(), loki.count(), dropped)
}

/// Where it is certain what Loki took, every line is accounted for.
async fn outlives_and_counts(behaviour: Behaviour) {
    let (logged, taken, dropped) = outlives(behaviour).await;
    println!("{behaviour:?}: {logged} lines, {taken} in Loki, {dropped} not");
    assert!(dropped > 0);
    assert_eq!(logged, taken + dropped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loki_that_answers_after_10_s() {
    outlives_and_counts(Behaviour::Slow(Duration::from_secs(10))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loki_that_finds_every_push_wrong() {
    outlives_and_counts(Behaviour::Refusing(400)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loki_that_wants_fewer_lines() {
    outlives_and_counts(Behaviour::Refusing(429)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loki_that_is_broken() {
    outlives_and_counts(Behaviour::Refusing(500)).await;
}

/// A push that is cut may have been taken: of those that ran when it went down nobody can tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_loki_that_is_down() {
    let (logged, taken, dropped) = outlives(Behaviour::Down).await;
    println!("Down: {logged} lines, {taken} in Loki, {dropped} not");
    assert!((logged..=logged + 2_000).contains(&(taken + dropped)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_standard_output() {
    let loki = Loki::start().await;
    let mut flood = Flood::start(&loki.url());
    until("lines flow to Loki", || loki.count() > 10_000).await;
    let idle = flood.memory();
    until("they go on", || loki.count() > 60_000).await;
    let most = flood.memory();
    assert!(most < idle + GROWTH, "from {idle} to {most} bytes");
    flood.read();
    flood.order();
    until("the number left out is told", || {
        loki.was_told("standard output accepts log lines again")
    })
    .await;
    flood.order();
    flood.ended().await;
    assert!(flood.lines() < loki.count());
}
