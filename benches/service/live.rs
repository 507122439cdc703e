//! Votes through Kafka while people watch: the time from the acknowledgement of a vote until the public totals count it, and
//! many clients that send one vote a second each.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use jornada_testkit::instance::{Installation, Stores};
use jornada_testkit::queue::QueueKind;
use reqwest::Client;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, sleep_until};

use super::figures::{percentile, print_line};
use super::instance::Instance;
use super::votes::{BATCH, vote};

/// Batches a second: about half of what a consumer stores.
const BATCHES_PER_SECOND: u32 = 40;
/// Duration of each measurement.
const DURATION: Duration = Duration::from_secs(15);
/// Time between two looks at the totals.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Clients that send one vote a second each.
const CLIENTS: u32 = 1_000;

/// When a number of votes was reached.
type Reached = Vec<(Instant, u64)>;

/// Measures both.
pub async fn live() -> Result<()> {
    let http = Client::new();
    let mut installation = Installation::new(Stores::Servers);
    installation.create_queue(&QueueKind::Kafka.new_url());
    let door = Instance::start(&installation, &http).await?;
    let _consumer = Instance::start_role(&installation, &http, "consume").await?;
    let campaign = format!("{}/api/v1/campaigns/{}", door.base, installation.election);
    let votes: Vec<Value> = (0..BATCH).map(vote).collect();
    let batch = Bytes::from(serde_json::to_vec(&votes)?);
    let sending = tokio::spawn(send(http.clone(), format!("{campaign}/votes/batch"), batch));
    let seen = watch(&http, &format!("{campaign}/chart")).await?;
    let sent = sending.await??;
    let mut delays = Vec::with_capacity(sent.len());
    for (acknowledged_at, count) in &sent {
        let visible = seen.iter().find(|(_, total)| total >= count);
        let (visible_at, _) = visible.context("votes that never became visible")?;
        delays.push(visible_at.saturating_duration_since(*acknowledged_at));
    }
    for percent in [50, 99] {
        let delay = percentile(&mut delays, percent);
        let goal = (percent == 99).then_some(1_000.0);
        print_line(
            &format!("acknowledged until visible, 40,000/s: p{percent}, ms"),
            vec![delay],
            goal,
        );
    }
    let mut times = crowd(&http, &format!("{campaign}/votes")).await?;
    for percent in [50, 99] {
        let time = percentile(&mut times, percent);
        let goal = (percent == 99).then_some(50.0);
        print_line(
            &format!("1,000 clients, a vote each second: p{percent}, ms"),
            vec![time],
            goal,
        );
    }
    Ok(())
}

/// Sends batches at a fixed rate. Returns when each was acknowledged.
async fn send(http: Client, url: String, batch: Bytes) -> Result<Reached> {
    let mut ticks = interval(Duration::from_secs(1) / BATCHES_PER_SECOND);
    let mut sending = JoinSet::new();
    let (end, mut reached, mut count) = (Instant::now() + DURATION, Vec::new(), 0);
    let mut note = |at: Instant| {
        count += BATCH as u64;
        reached.push((at, count));
    };
    while Instant::now() < end {
        ticks.tick().await;
        let (http, url, batch) = (http.clone(), url.clone(), batch.clone());
        sending.spawn(async move {
            let request = http.post(&url).header("Content-Type", "application/json");
            let answer = request.body(batch).send().await?;
            ensure!(answer.status().is_success(), "{}", answer.status());
            Ok(Instant::now())
        });
        while let Some(sent) = sending.try_join_next() {
            note(sent??);
        }
    }
    while let Some(sent) = sending.join_next().await {
        note(sent??);
    }
    reached.sort_unstable();
    Ok(reached)
}

/// Looks at the public totals until they have stood still for a while. Returns when each total was first seen.
async fn watch(http: &Client, url: &str) -> Result<Reached> {
    let (begun, mut seen) = (Instant::now(), Reached::new());
    loop {
        let chart: Value = http.get(url).send().await?.json().await?;
        let (now, total) = (Instant::now(), chart["total"].as_u64().context("no total")?);
        let last = seen.last().copied().unwrap_or((begun, 0));
        if total > last.1 {
            seen.push((now, total));
        } else if begun.elapsed() > DURATION && now - last.0 > Duration::from_secs(3) {
            return Ok(seen);
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// Sends one vote a second from each client, over a connection of its own. Returns the times of the requests.
async fn crowd(http: &Client, url: &str) -> Result<Vec<Duration>> {
    let body = Bytes::from(serde_json::to_vec(&vote(1))?);
    let (start, mut sending) = (tokio::time::Instant::now(), JoinSet::new());
    for client in 0..CLIENTS {
        let (http, url, body) = (http.clone(), url.to_owned(), body.clone());
        let offset = Duration::from_secs(1) * client / CLIENTS;
        sending.spawn(async move {
            let mut times = Vec::new();
            for second in 0..DURATION.as_secs() {
                sleep_until(start + offset + Duration::from_secs(second)).await;
                let begun = Instant::now();
                let request = http.post(&url).header("Content-Type", "application/json");
                let answer = request.body(body.clone()).send().await?;
                ensure!(answer.status().is_success(), "{}", answer.status());
                // The first request connects.
                if second > 0 {
                    times.push(begun.elapsed());
                }
            }
            Ok(times)
        });
    }
    let mut all = Vec::new();
    for times in sending.join_all().await {
        all.extend(times?);
    }
    Ok(all)
}
