//! Tests both queues by the same contract, on real servers.

#![expect(clippy::unwrap_used, reason = "a test fails at once")]

mod down;
mod queue;

use std::collections::BTreeMap;
use std::time::Duration;

use queue::{Kind, TestQueue, keys, records};

/// Runs a test on both queues.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod kafka { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::TestQueue::create(super::Kind::Kafka).await).await; }
        )* }
        mod redis { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(super::TestQueue::create(super::Kind::Redis).await).await; }
        )* }
    };
}

on_both!(
    what_is_confirmed_is_read_once,
    what_was_not_acknowledged_is_read_again,
    consumers_come_and_go_without_loss,
    what_waits_is_told,
    creating_twice_is_harmless,
);

async fn what_is_confirmed_is_read_once(queue: TestQueue) {
    let sent = records(0..5_000);
    let producer = queue.producer().await;
    let (some, one) = sent.split_at(4_999);
    for chunk in some.chunks(1_000) {
        assert_eq!(producer.send(chunk).await, Vec::<usize>::new());
    }
    assert!(producer.send(one).await.is_empty());
    let mut member = queue.member("a");
    let read = member.read(5_000).await;
    let values: BTreeMap<_, _> = sent.iter().map(|one| (one.key, &one.value)).collect();
    for record in &read {
        let key: [u8; 32] = record.key.as_deref().unwrap().try_into().unwrap();
        assert_eq!(values[&key], &record.value);
        assert!(!record.is_cut() && record.appended_at.is_some());
    }
    assert_eq!(keys(&read).len(), 5_000);
    member.stop().await;
    // A second member finds nothing.
    let mut member = queue.member("b");
    assert!(member.reads_nothing_for(Duration::from_secs(4)).await);
    assert_eq!(queue.state().await.lag, 0);
    member.stop().await;
}

async fn what_was_not_acknowledged_is_read_again(queue: TestQueue) {
    let sent = records(0..2_500);
    assert!(queue.producer().await.send(&sent).await.is_empty());
    let mut first = queue.member("a");
    let mut kept = first.next().await;
    let lost = first.next().await;
    kept.acknowledgement.acknowledge();
    assert!(!lost.records.is_empty());
    drop(lost);
    kept.records.extend(first.stop().await);
    let mut second = queue.member("b");
    while keys(&kept.records).len() < 2_500 {
        kept.records.push(second.next_record().await);
    }
    second.stop().await;
    assert_eq!(queue.state().await.lag, 0);
}

async fn consumers_come_and_go_without_loss(queue: TestQueue) {
    let producer = queue.producer().await;
    let sending = tokio::spawn(async move {
        for chunk in records(0..20_000).chunks(100) {
            assert!(producer.send(chunk).await.is_empty());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut read = Vec::new();
    let mut first = queue.member("a");
    read.extend(first.read(2_000).await);
    let mut second = queue.member("b");
    let mut third = queue.member("c");
    for _ in 0..30 {
        for member in [&mut first, &mut second, &mut third] {
            read.extend(member.read_for(Duration::from_millis(100)).await);
        }
    }
    read.extend(second.stop().await);
    read.extend(first.stop().await);
    sending.await.unwrap();
    while keys(&read).len() < 20_000 {
        read.push(third.next_record().await);
    }
    third.stop().await;
    // Rebalances may deliver a record twice, but few: what was read is acknowledged before.
    assert!(read.len() < 21_000, "{}", read.len());
}

async fn what_waits_is_told(queue: TestQueue) {
    let state = queue.state().await;
    assert_eq!((state.lag, state.consumers), (0, 0));
    assert_eq!(state.oldest_age, Some(Duration::ZERO));
    assert!(
        queue
            .producer()
            .await
            .send(&records(0..300))
            .await
            .is_empty()
    );
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let state = queue.state().await;
    assert_eq!(state.lag, 300);
    let age = state.oldest_age.unwrap();
    assert!((1..60).contains(&age.as_secs()), "{age:?}");
    let mut member = queue.member("a");
    let batch = member.next().await;
    let state = queue.state().await;
    assert_eq!((state.lag, state.consumers), (300, 1));
    batch.acknowledgement.acknowledge();
    let left = 300 - batch.records.len();
    member.read(left).await;
    member.stop().await;
    let state = queue.state().await;
    assert_eq!((state.lag, state.oldest_age), (0, Some(Duration::ZERO)));
}

async fn creating_twice_is_harmless(queue: TestQueue) {
    assert!(
        queue
            .producer()
            .await
            .send(&records(0..10))
            .await
            .is_empty()
    );
    assert!(
        !jornada_queue::create_queue(&queue.setting, 6, 1)
            .await
            .unwrap()
    );
    assert_eq!(queue.state().await.lag, 10);
}
