//! Doors and consumers are killed under load. A ledger of what was acknowledged is compared with the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jornada_testkit::queue::QueueKind;
use reqwest::Client;
use serde_json::Value;

use crate::on_both_queues;
use crate::poll::{Poll, vote};

on_both_queues!(
    a_killed_consumer_loses_and_doubles_nothing,
    a_killed_door_loses_nothing_acknowledged
);

/// Sends batches with keys until told to stop, and repeats those without an answer. Returns the number of acknowledged votes.
async fn send_until(url: String, sender: usize, is_over: Arc<AtomicBool>) -> u64 {
    let (http, mut acknowledged) = (Client::new(), 0);
    let votes: Vec<Value> = (0..50).map(vote).collect();
    for batch in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        loop {
            let request = http.post(&url).json(&votes);
            let request = request.header("Idempotency-Key", format!("ledger-{sender}-{batch}"));
            let answer = request.timeout(Duration::from_secs(15)).send().await;
            if let Ok(answer) = answer
                && answer.status() == 200
                && let Ok(told) = answer.json::<Value>().await
                && told["accepted"] == 50
            {
                acknowledged += 50;
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    acknowledged
}

async fn a_killed_consumer_loses_and_doubles_nothing(kind: QueueKind) {
    let poll = Poll::start(kind).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let url = poll.url("votes/batch");
    let senders =
        [0, 1].map(|sender| tokio::spawn(send_until(url.clone(), sender, Arc::clone(&is_over))));
    for _ in 0..3 {
        let consumer = poll.consumer().await;
        let before = poll.counted().await;
        poll.app
            .wait_until_within("it stores votes", 60, async |_| {
                poll.counted().await > before
            })
            .await;
        // SIGKILL, wherever it is.
        drop(consumer);
    }
    let _last = poll.consumer().await;
    is_over.store(true, Ordering::Relaxed);
    let mut acknowledged = 0;
    for sender in senders {
        acknowledged += sender.await.unwrap();
    }
    poll.require_exactly(acknowledged).await;
}

async fn a_killed_door_loses_nothing_acknowledged(kind: QueueKind) {
    let poll = Poll::start(kind).await;
    let _consumer = poll.consumer().await;
    let is_over = Arc::new(AtomicBool::new(false));
    // The second door dies; its clients go on with the first.
    let dying = poll.installation.start().await;
    let campaign = &poll.installation.election;
    let path = format!("/api/v1/campaigns/{campaign}/votes/batch");
    let votes: Vec<Value> = (0..50).map(vote).collect();
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let (url, votes) = (format!("{}{path}", dying.base), votes.clone());
            tokio::spawn(async move {
                let (http, mut sent) = (Client::new(), 0);
                loop {
                    let key = format!("dying-{sender}-{sent}");
                    let request = http.post(&url).json(&votes).header("Idempotency-Key", key);
                    match request.send().await {
                        Ok(answer) if answer.status() == 200 => sent += 1,
                        // The last one, without an answer.
                        _ => return (sender, sent),
                    }
                }
            })
        })
        .collect();
    let steady = tokio::spawn(send_until(poll.url("votes/batch"), 9, Arc::clone(&is_over)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(dying);
    let mut acknowledged = 0;
    for sender in senders {
        let (sender, sent) = sender.await.unwrap();
        assert!(sent > 0);
        // Repeated at the other door, the last batch is stored once.
        let told = poll
            .cast_batch(&votes, &format!("dying-{sender}-{sent}"))
            .await;
        assert_eq!(told["accepted"], 50);
        acknowledged += (sent + 1) * 50;
    }
    is_over.store(true, Ordering::Relaxed);
    acknowledged += steady.await.unwrap();
    poll.require_exactly(acknowledged).await;
}
