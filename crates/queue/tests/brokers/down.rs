//! A queue that does not answer, does not exist, or would lose what it confirms.

use std::time::{Duration, Instant};

use jornada_queue::{Observer, QueueSetting, create_queue};
use jornada_testkit::servers::variable;
use tokio::net::TcpListener;

use crate::queue::{producer, records};

fn parse(url: &str) -> QueueSetting {
    QueueSetting::parse(url).unwrap()
}

async fn require_refusal(setting: &QueueSetting) {
    let producer = producer(setting).await;
    assert!(!producer.is_up());
    let sent = records(0..3);
    let start = Instant::now();
    assert_eq!(producer.send(&sent).await, [0, 1, 2]);
    for _ in 0..100 {
        assert_eq!(producer.send(&sent).await, [0, 1, 2]);
    }
    // Only few of them wait for the queue.
    assert!(start.elapsed() < Duration::from_secs(30));
    assert!(!producer.is_up());
    let observer = Observer::open(setting).unwrap().unwrap();
    assert!(observer.state().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_refuses_connections_confirms_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    require_refusal(&parse(&format!("kafka://{address}/votes"))).await;
    require_refusal(&parse(&format!("redis://{address}/"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_silent_confirms_nothing() {
    // Accepts connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    require_refusal(&parse(&format!("kafka://{address}/votes"))).await;
    require_refusal(&parse(&format!("redis://{address}/"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_told_with_the_command_that_creates_it() {
    let kafka = variable("JORNADA_TEST_KAFKA");
    let setting = parse(&format!("kafka://{kafka}/missing-{}", uuid::Uuid::new_v4()));
    require_refusal(&setting).await;
    let told = Observer::open(&setting).unwrap().unwrap().state().await;
    let told = told.unwrap_err().to_string();
    assert!(
        told.ends_with("create it with: jornada queue create"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_could_lose_votes_is_not_used() {
    // The cache of the tests has no log of its commands.
    let redis = variable("JORNADA_TEST_REDIS");
    let setting = parse(&format!("{redis}?stream=votes-{}", uuid::Uuid::new_v4()));
    require_refusal(&setting).await;
    let told = create_queue(&setting, 1, 1).await.unwrap_err().to_string();
    assert!(
        told.contains("appendonly is no: set appendonly yes"),
        "{told}"
    );
}
