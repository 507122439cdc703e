//! Votes by HTTP, inserted directly and through both queues, and the consumer that stores what waits then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use jornada_testkit::instance::{Installation, Stores};
use jornada_testkit::queue::QueueKind;
use jornada_testkit::servers::variable;
use mongodb::bson::{Document, doc};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::figures::print_line;
use super::instance::Instance;

const RUNS: usize = 3;
/// Duration of one measurement of a door.
const DURATION: Duration = Duration::from_secs(4);
pub const BATCH: usize = 1_000;
/// Documents that the plain loop inserts.
const DOCUMENTS: usize = 200_000;

/// Measures direct insertion, then each queue.
pub async fn votes() -> Result<()> {
    let limit = insert_many().await?;
    print_line(
        "insertMany of 1,000, four at once: documents/s",
        limit.clone(),
        None,
    );
    measure(None, &limit).await?;
    for kind in [QueueKind::Redis, QueueKind::Kafka] {
        measure(Some(kind), &limit).await?;
    }
    Ok(())
}

async fn measure(kind: Option<QueueKind>, limit: &[f64]) -> Result<()> {
    let http = Client::new();
    let mut installation = Installation::new(Stores::Servers);
    if let Some(kind) = kind {
        installation.create_queue(&kind.new_url());
    }
    let door = Instance::start(&installation, &http).await?;
    let name = kind.map_or("direct".to_owned(), |kind| format!("{kind:?}"));
    let url = format!(
        "{}/api/v1/campaigns/{}/votes",
        door.base, installation.election
    );
    let votes: Vec<Value> = (0..BATCH).map(vote).collect();
    let batch = Bytes::from(serde_json::to_vec(&votes)?);
    let single = Bytes::from(serde_json::to_vec(&vote(1))?);
    let mut acknowledged = 0;
    for (what, url, body, votes, clients) in [
        (
            "batches of 1,000, 8 at once",
            format!("{url}/batch"),
            batch,
            BATCH,
            8,
        ),
        ("single votes, 64 at once", url, single, 1, 64),
    ] {
        let (mut rates, mut cpu) = (Vec::new(), Vec::new());
        // The first run warms up.
        for run in 0..=RUNS {
            let (begun, before) = (Instant::now(), door.cpu()?);
            let requests = send(&http, &url, &body, clients).await?;
            let count = to_float(requests) * to_float(votes as u64);
            acknowledged += requests * votes as u64;
            if run > 0 {
                rates.push(count / begun.elapsed().as_secs_f64());
                cpu.push((door.cpu()? - before) * 1e3 / count);
            }
        }
        print_line(&format!("{name}, {what}: votes/s"), rates, None);
        print_line(
            &format!("{name}, {what}: door's CPU-s per 1,000"),
            cpu,
            None,
        );
    }
    print_line(
        &format!("{name}: peak memory of the door, MiB"),
        vec![door.peak()?],
        None,
    );
    if kind.is_some() {
        consume(&installation, &http, &name, acknowledged, limit).await?;
    }
    Ok(())
}

/// Repeats a request, and returns the number of accepted ones.
async fn send(http: &Client, url: &str, body: &Bytes, clients: usize) -> Result<u64> {
    let accepted = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + DURATION;
    let mut sending = JoinSet::new();
    for _ in 0..clients {
        let (http, url, body) = (http.clone(), url.to_owned(), body.clone());
        let accepted = Arc::clone(&accepted);
        sending.spawn(async move {
            while Instant::now() < end {
                let request = http.post(&url).header("Content-Type", "application/json");
                let answer = request.body(body.clone()).send().await?;
                ensure!(answer.status().is_success(), "{}", answer.status());
                answer.bytes().await?;
                accepted.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
    }
    for ended in sending.join_all().await {
        ended?;
    }
    Ok(accepted.load(Ordering::Relaxed))
}

/// Starts a consumer on what waits, and measures it between the first and the last tenth.
async fn consume(
    installation: &Installation,
    http: &Client,
    name: &str,
    waiting: u64,
    limit: &[f64],
) -> Result<()> {
    let consumer = Instance::start_role(installation, http, "consume").await?;
    let begun = stored(&consumer, http, waiting / 10).await?;
    let before = consumer.cpu()?;
    let ended = stored(&consumer, http, waiting * 9 / 10).await?;
    let count = to_float(ended.1 - begun.1);
    let rate = count / (ended.0 - begun.0).as_secs_f64();
    let cpu = (consumer.cpu()? - before) * 1e3 / count;
    stored(&consumer, http, waiting).await?;
    let best = limit.iter().copied().fold(0.0, f64::max);
    print_line(
        &format!("{name}, consumer: votes/s ({waiting} waited)"),
        vec![rate],
        None,
    );
    print_line(
        &format!("{name}, consumer: part of insertMany"),
        vec![rate / best],
        None,
    );
    print_line(
        &format!("{name}, consumer: CPU-s per 1,000"),
        vec![cpu],
        None,
    );
    print_line(
        &format!("{name}, consumer: peak memory, MiB"),
        vec![consumer.peak()?],
        None,
    );
    Ok(())
}

/// Waits until so many votes are stored. Returns when, and how many there were then.
async fn stored(consumer: &Instance, http: &Client, votes: u64) -> Result<(Instant, u64)> {
    let deadline = Instant::now() + Duration::from_mins(5);
    loop {
        let metrics = http.get(format!("{}/metrics", consumer.ops)).send().await?;
        let metrics = metrics.text().await?;
        let line = metrics.lines().find(|line| {
            line.starts_with("jornada_consumer_votes_total") && line.contains("stored")
        });
        let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        let count = count.unwrap_or(0);
        if count >= votes {
            return Ok((Instant::now(), count));
        }
        ensure!(
            Instant::now() < deadline,
            "only {count} of {votes} votes are stored"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Inserts documents of the size of votes by a plain loop, into a collection without further index.
async fn insert_many() -> Result<Vec<f64>> {
    let client = mongodb::Client::with_uri_str(variable("JORNADA_TEST_MONGODB")).await?;
    let database = client.database(&format!("bench_{}", std::process::id()));
    let mut rates = Vec::new();
    for run in 0..RUNS {
        let begun = Instant::now();
        let mut inserting = JoinSet::new();
        for worker in 0..4 {
            let votes = database.collection::<Document>(&format!("votes{run}"));
            inserting.spawn(async move {
                for batch in 0..DOCUMENTS / 4 / BATCH {
                    let documents = (0..BATCH).map(|number| document(worker, batch, number));
                    votes.insert_many(documents).await?;
                }
                Ok::<_, mongodb::error::Error>(())
            });
        }
        for ended in inserting.join_all().await {
            ended?;
        }
        rates.push(to_float(DOCUMENTS as u64) / begun.elapsed().as_secs_f64());
    }
    database.drop().await.context("cannot clean up")?;
    Ok(rates)
}

fn document(worker: i32, batch: usize, number: usize) -> Document {
    let id = format!("{worker:08x}{batch:08x}{number:08x}00000000");
    let at = mongodb::bson::DateTime::now();
    doc! {
        "_id": id, "campaign": "elecciones", "received_at": at, "door": "http",
        "answers": { "sede": "7", "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE" },
    }
}

/// Returns a valid vote.
pub fn vote(number: usize) -> Value {
    json!({
        "sede": number % 100 + 1, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE",
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are small")]
fn to_float(count: u64) -> f64 {
    count as f64
}
