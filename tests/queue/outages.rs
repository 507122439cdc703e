//! Queue or store are away.

use std::time::Duration;

use jornada_testkit::instance::{Installation, Stores, expect_problem};
use jornada_testkit::proxy::Proxy;
use jornada_testkit::queue::QueueKind;
use serde_json::Value;

use crate::on_both_queues;
use crate::poll::{Poll, body, metric, vote};

on_both_queues!(while_the_store_is_away_the_queue_keeps_votes);

/// Returns an installation whose store is behind a proxy.
async fn with_store_behind_proxy() -> (Installation, Proxy) {
    let mut installation = Installation::new(Stores::Servers);
    let stores = installation.settings.iter();
    let store = stores.clone().find(|(name, _)| name == "JORNADA_STORE");
    let (_, store) = store.unwrap().clone();
    let rest = store.strip_prefix("mongodb://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(address.to_owned()).await;
    // Directly, because the members of a replica set name their own addresses.
    let path = path.split('?').next().unwrap();
    let url = format!("mongodb://{}/{path}?directConnection=true", proxy.address);
    installation.set("JORNADA_STORE", &url);
    (installation, proxy)
}

async fn while_the_store_is_away_the_queue_keeps_votes(kind: QueueKind) {
    let (mut installation, store) = with_store_behind_proxy().await;
    installation.create_queue(&kind.new_url());
    let poll = Poll::on(installation).await;
    let consumer = poll.consumer().await;
    let mut acknowledged = 0;
    let mut send = async |key: &str| {
        let votes: Vec<Value> = (0..100).map(vote).collect();
        let told = poll.cast_batch(&votes, key).await;
        assert_eq!(told["accepted"], 100);
        assert_eq!(told["results"][0]["status"], "queued");
        acknowledged += 100;
    };
    send("before-it").await;
    store.freeze();
    send("frozen-one").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    store.set_open(false);
    for batch in 0..10 {
        send(&format!("away-{batch:04}")).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    poll.app
        .wait_until(
            "the consumer is unready, the door takes votes",
            async |app| {
                !crate::poll::ready(&consumer.ops).await && app.readiness_status().await == 200
            },
        )
        .await;
    store.set_open(true);
    send("back-again").await;
    poll.require_exactly(acknowledged).await;
    assert_eq!(
        metric(&consumer.ops, "jornada_dead_letters").await,
        Some(0.0)
    );
}

/// Redis only: the clients of Kafka connect to the address that the broker names, past any proxy. The drill stops Kafka.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_queue_is_away_votes_are_stored_directly() {
    let queue = Proxy::start(QueueKind::Redis.address()).await;
    let poll = Poll::with_queue(&QueueKind::Redis.url_at(&queue.address.to_string())).await;
    let consumer = poll.consumer().await;
    let mut acknowledged = 0;
    let mut send = async |number: usize, statuses: &[u16]| {
        let answer = poll.cast(&vote(number), &format!("vote-{number:05}")).await;
        let status = answer.status().as_u16();
        assert!(statuses.contains(&status), "{status}");
        acknowledged += 1;
        status
    };
    send(0, &[202]).await;
    queue.set_open(false);
    for number in 1..20 {
        send(number, &[201]).await;
    }
    poll.app
        .wait_until("the state of the queue is unknown", async |app| {
            metric(&app.ops, "jornada_queue_up").await == Some(0.0)
                && metric(&app.ops, "jornada_queue_lag_votes").await.is_none()
                && metric(&consumer.ops, "jornada_queue_oldest_vote_age_seconds")
                    .await
                    .is_none()
        })
        .await;
    queue.set_open(true);
    poll.app
        .wait_until("the queue takes votes again", async |app| {
            metric(&app.ops, "jornada_queue_up").await == Some(1.0)
        })
        .await;
    send(20, &[202]).await;
    // Frozen, the queue does not refuse: the votes that wait for it are inserted after a time-out.
    queue.freeze();
    for frozen in 1_000..1_005 {
        send(frozen, &[201]).await;
    }
    queue.set_open(true);
    poll.require_exactly(acknowledged).await;
    assert!(
        metric(&poll.app.ops, "jornada_queue_fallback_votes_total")
            .await
            .unwrap()
            >= 24.0
    );
}

/// Both are away: the vote is refused, and its retry counts once when they are back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_both_are_away_votes_are_refused() {
    let (mut installation, store) = with_store_behind_proxy().await;
    let queue = Proxy::start(QueueKind::Redis.address()).await;
    installation.create_queue(&QueueKind::Redis.url_at(&queue.address.to_string()));
    let poll = Poll::on(installation).await;
    let _consumer = poll.consumer().await;
    store.set_open(false);
    queue.set_open(false);
    let refused = poll.cast(&vote(1), "refused-vote").await;
    assert!(refused.headers().contains_key("retry-after"));
    expect_problem(refused, 503).await;
    poll.app
        .wait_until("the door is unready", async |app| {
            app.readiness_status().await == 503
        })
        .await;
    store.set_open(true);
    queue.set_open(true);
    let mut status = 0;
    for _ in 0..100 {
        let answer = poll.cast(&vote(1), "refused-vote").await;
        status = answer.status().as_u16();
        body(answer).await;
        if status == 202 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status, 202);
    poll.require_exactly(1).await;
}
