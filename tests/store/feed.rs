//! Feed: every change once and in order, from any position.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jornada_store::{FeedError, FeedPosition};
use tokio::time::{Instant, timeout};

use crate::fixture::{self, Change, Snapshot, StoreFixture, changes, drain, registration};

async fn start(fixture: &StoreFixture) -> FeedPosition {
    fixture.snapshot().await.position
}

fn values(changes: &[Change]) -> Vec<&str> {
    changes
        .iter()
        .map(|change| change.tally_value.as_str())
        .collect()
}

pub async fn each_insert_is_returned_once_and_in_order(fixture: &StoreFixture) {
    let from = start(fixture).await;
    let mut feed = fixture.feed(&from).await;
    assert!(drain(&mut feed).await.unwrap().is_empty());
    let stored = fixture.fill(3, &["a", "b", "c"]).await;
    // A retry and a conflict change nothing.
    fixture.insert(&stored[0]).await;
    let other = registration(&fixture.campaign, "0", "z", 9);
    fixture.insert(&other).await;
    let changes = drain(&mut feed).await.unwrap();
    assert_eq!(values(&changes), ["a", "b", "c"]);
    assert!(changes.iter().all(|change| change.delta == 1));
    assert!(changes.is_sorted_by(|a, b| a.position.at < b.position.at));
    assert!(changes.iter().all(|change| change.position.at > from.at));
    assert!(drain(&mut feed).await.unwrap().is_empty());
}

pub async fn it_continues_from_every_position(fixture: &StoreFixture) {
    let from = start(fixture).await;
    fixture.fill(5, &["a", "b", "c", "d", "e"]).await;
    let mut feed = fixture.feed(&from).await;
    let changes = drain(&mut feed).await.unwrap();
    assert_eq!(changes.len(), 5);
    for (place, change) in changes.iter().enumerate() {
        let json = serde_json::to_string(&change.position).unwrap();
        let position: FeedPosition = serde_json::from_str(&json).unwrap();
        let store = fixture.reopen().await;
        let mut feed = store.feed(&position).await.unwrap();
        assert_eq!(drain(&mut feed).await.unwrap(), changes[place + 1..]);
    }
}

pub async fn it_continues_from_a_snapshot(fixture: &StoreFixture) {
    let from = start(fixture).await;
    for (key, value) in [("1", "a"), ("2", "b"), ("3", "c")] {
        let one = registration(&fixture.campaign, key, value, 0);
        fixture.insert(&one).await;
        let Snapshot { totals, position } = fixture.snapshot().await;
        let mut feed = fixture.feed(&from).await;
        let before = drain(&mut feed).await.unwrap();
        assert_eq!(before.len(), totals.len());
        assert!(
            before
                .iter()
                .all(|change| change.position.at <= position.at)
        );
        let mut feed = fixture.feed(&position).await;
        assert!(drain(&mut feed).await.unwrap().is_empty());
    }
}

pub async fn a_snapshot_while_people_register_misses_and_duplicates_nothing(
    fixture: &StoreFixture,
) {
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
            tokio::spawn(async move {
                for number in 0..100 {
                    let value = ["a", "b", "c"][number % 3];
                    let key = format!("{writer}-{number}");
                    let one = registration(&campaign, &key, value, 0);
                    fixture::insert(&store, &campaign, &one).await.unwrap();
                }
            })
        })
        .collect();
    let mut followers = Vec::new();
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let snapshot = fixture.snapshot().await;
        let feed = fixture.store.feed(&snapshot.position).await;
        followers.push((snapshot, feed.unwrap()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let expected = BTreeMap::from([("a", 272), ("b", 264), ("c", 264)]);
    for (Snapshot { totals, position }, mut feed) in followers {
        let mut followed = totals;
        for change in drain(&mut feed).await.unwrap() {
            assert!(change.position.at > position.at);
            *followed.entry(change.tally_value).or_default() += change.delta.unsigned_abs();
        }
        let followed: BTreeMap<_, _> = followed.iter().map(|(v, n)| (v.as_str(), *n)).collect();
        assert_eq!(followed, expected);
    }
}

pub async fn a_cancelled_call_loses_nothing(fixture: &StoreFixture) {
    let from = start(fixture).await;
    let mut feed = fixture.feed(&from).await;
    let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
    let writer = tokio::spawn(async move {
        for number in 0..300 {
            let one = registration(&campaign, &format!("{number}"), &format!("{number}"), 0);
            fixture::insert(&store, &campaign, &one).await.unwrap();
        }
    });
    let mut seen = Vec::new();
    while !writer.is_finished() {
        let wait = Duration::from_micros(500 + 700 * (seen.len() as u64 % 5));
        if let Ok(batch) = timeout(wait, feed.next(Duration::from_secs(1))).await {
            seen.extend(changes(batch.unwrap()));
        }
    }
    seen.extend(drain(&mut feed).await.unwrap());
    let expected: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    assert_eq!(values(&seen), expected);
}

pub async fn it_waits_for_the_first_change(fixture: &StoreFixture) {
    let from = start(fixture).await;
    let mut feed = fixture.feed(&from).await;
    let before = Instant::now();
    assert!(
        feed.next(Duration::from_millis(300))
            .await
            .unwrap()
            .changes
            .is_empty()
    );
    assert!(before.elapsed() >= Duration::from_millis(300));
    let next = tokio::spawn(async move { feed.next(Duration::from_secs(30)).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    fixture.fill(1, &["a"]).await;
    let batch = timeout(Duration::from_secs(10), next).await.unwrap();
    assert_eq!(values(&changes(batch.unwrap())), ["a"]);
}

pub async fn changes_of_another_instance_are_returned(fixture: &StoreFixture) {
    let from = start(fixture).await;
    let other = fixture.reopen().await;
    let mut feed = other.feed(&from).await.unwrap();
    fixture.fill(1, &["a"]).await;
    let batch = feed.next(Duration::from_secs(10)).await.unwrap();
    assert_eq!(values(&changes(batch)), ["a"]);
}

pub async fn many_changes_come_in_bounded_batches(fixture: &StoreFixture) {
    let from = start(fixture).await;
    // A write has one delta for each campaign.
    let campaigns: Vec<_> = (0..500)
        .map(|number| fixture::campaign(&format!("c{number}")))
        .collect();
    let writers: Vec<_> = (0..24)
        .map(|writer| {
            let (store, campaigns) = (fixture.store.clone(), campaigns.clone());
            tokio::spawn(async move {
                let batch = campaigns.iter().map(|campaign| {
                    let one = registration(campaign, &format!("{writer}"), "a", 0);
                    fixture::record(campaign, &one)
                });
                for outcome in store.insert(batch.collect()).await {
                    outcome.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut feed = fixture.feed(&from).await;
    let first = changes(feed.next(Duration::ZERO).await.unwrap());
    assert!(first.len() <= 10_000);
    assert_eq!(first.len() + drain(&mut feed).await.unwrap().len(), 12_000);
}

pub async fn a_position_that_never_existed_is_lost(fixture: &StoreFixture) {
    fixture.fill(3, &["a"]).await;
    let now = start(fixture).await.at;
    for ahead in [1_000_000 << 32, (i64::MAX as u64) - now, u64::MAX - now] {
        let position = FeedPosition {
            at: now + ahead,
            token: None,
            delta: None,
        };
        let feed = fixture.store.feed(&position).await;
        assert!(matches!(feed.unwrap_err(), FeedError::Lost));
    }
}
