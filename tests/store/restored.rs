//! Feeds of a MongoDB that was restored from a backup, and of one whose deltas cannot be read.

use std::time::Duration;

use jornada_store::{Feed, FeedError, FeedPosition, StoreSetting};
use mongodb::bson::{Document, doc};
use tokio::time::{Instant, sleep};

use crate::fixture::{StoreFixture, drain, registration};
use crate::mongod::Mongod;

/// Waits until the database accepts writes again.
async fn insert(fixture: &StoreFixture, key: &str) {
    let one = registration(&fixture.campaign, key, "Cali", 0);
    let start = Instant::now();
    while crate::fixture::insert(&fixture.store, &fixture.campaign, &one)
        .await
        .is_err()
    {
        assert!(start.elapsed() < Duration::from_mins(1), "not writable");
    }
}

/// Reads to the end, and beyond: later writes without deltas move the position, too.
async fn read_on(fixture: &StoreFixture, feed: &mut Feed) -> FeedPosition {
    drain(feed).await.unwrap();
    let other = fixture.database().await.collection::<Document>("other");
    other.insert_one(doc! {}).await.unwrap();
    let (start, before) = (Instant::now(), feed.next(Duration::ZERO).await.unwrap());
    loop {
        let batch = feed.next(Duration::ZERO).await.unwrap();
        if batch.position != before.position {
            return batch.position;
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_after_the_backup_is_lost_and_one_before_it_is_not() {
    let mut mongod = Mongod::start().await;
    let fixture = StoreFixture::open(mongod.setting()).await;
    insert(&fixture, "1").await;
    let start = fixture.snapshot().await.position;
    insert(&fixture, "2").await;
    let before = read_on(&fixture, &mut fixture.feed(&start).await).await;
    // The journal is written every 100 ms.
    sleep(Duration::from_secs(1)).await;
    let backup = mongod.back_up();
    insert(&fixture, "lost").await;
    let after = read_on(&fixture, &mut fixture.feed(&before).await).await;
    mongod.restore(&backup);
    // The restored database goes on past the position.
    insert(&fixture, "3").await;
    let lost = fixture.store.feed(&after).await;
    assert!(matches!(lost.unwrap_err(), FeedError::Lost));
    let mut feed = fixture.feed(&before).await;
    assert_eq!(drain(&mut feed).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_feed_of_a_restored_database_is_lost() {
    let mut mongod = Mongod::start().await;
    let fixture = StoreFixture::open(mongod.setting()).await;
    let start = fixture.snapshot().await.position;
    insert(&fixture, "1").await;
    sleep(Duration::from_secs(1)).await;
    let backup = mongod.back_up();
    insert(&fixture, "lost").await;
    let mut feed = fixture.feed(&start).await;
    read_on(&fixture, &mut feed).await;
    mongod.restore(&backup);
    insert(&fixture, "3").await;
    let start = Instant::now();
    let lost = loop {
        match feed.next(Duration::ZERO).await {
            Err(FeedError::Store(_)) => assert!(start.elapsed() < Duration::from_mins(1)),
            Err(error) => break error,
            Ok(batch) => panic!("goes on with {batch:?}"),
        }
    };
    assert!(matches!(lost, FeedError::Lost));
}

/// Stores deltas of one value and count each; one with the count 0 cannot be read.
async fn store_deltas(fixture: &StoreFixture, deltas: impl IntoIterator<Item = (String, i64)>) {
    let campaign = fixture.campaign.id.as_str();
    if let StoreSetting::Sqlite(path) = &fixture.setting {
        let file = rusqlite::Connection::open(path).unwrap();
        for (value, count) in deltas {
            let counts = if count == 0 {
                "[[0]]".to_owned()
            } else {
                format!("[[[\"{value}\"],{count}]]")
            };
            let sql =
                "INSERT INTO deltas (campaign, fields, counts) VALUES (?1, '[\"ciudad\"]', ?2)";
            file.execute(sql, [campaign, counts.as_str()]).unwrap();
        }
        return;
    }
    let documents = deltas.into_iter().map(|(value, count)| {
        let count = if count == 0 {
            doc! {}
        } else {
            doc! { "answers": [value], "count": count }
        };
        doc! { "campaign": campaign, "fields": ["ciudad"], "counts": [count] }
    });
    let deltas = fixture.database().await.collection::<Document>("deltas");
    for document in documents {
        deltas.insert_one(document).await.unwrap();
    }
}

pub async fn an_unreadable_delta_is_lost_and_a_snapshot_goes_past_it(fixture: &StoreFixture) {
    let from = fixture.snapshot().await.position;
    let mut feed = fixture.feed(&from).await;
    drain(&mut feed).await.unwrap();
    store_deltas(fixture, [(String::new(), 0)]).await;
    let lost = drain(&mut feed).await;
    assert!(matches!(lost.unwrap_err(), FeedError::Lost));
    let position = fixture.snapshot().await.position;
    let mut feed = fixture.feed(&position).await;
    fixture.fill(1, &["a"]).await;
    assert_eq!(drain(&mut feed).await.unwrap().len(), 1);
}

pub async fn large_deltas_come_in_bounded_batches_and_the_last_is_complete(fixture: &StoreFixture) {
    const SIZE: usize = 3 << 20;
    let from = fixture.snapshot().await.position;
    let mut feed = fixture.feed(&from).await;
    drain(&mut feed).await.unwrap();
    store_deltas(fixture, (1..=20).map(|number| ("x".repeat(SIZE), number))).await;
    let mut counts = Vec::new();
    loop {
        let batch = feed.next(Duration::ZERO).await.unwrap();
        assert!(
            batch.changes.len() * SIZE <= 40 << 20,
            "{}",
            batch.changes.len()
        );
        let deltas = batch.changes.iter().map(|change| &change.delta);
        counts.extend(deltas.flat_map(|delta| delta.counts.values().copied()));
        if batch.is_complete {
            break;
        }
    }
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
}

pub async fn a_snapshot_of_no_campaign_has_a_position(fixture: &StoreFixture) {
    fixture.fill(1, &["a"]).await;
    let none = Vec::<(_, std::collections::BTreeMap<Vec<String>, u64>)>::new();
    let (counted, position) = fixture.store.snapshot(none).await.unwrap();
    assert!(counted.is_empty());
    let mut feed = fixture.feed(&position).await;
    fixture
        .insert(&registration(&fixture.campaign, "2", "a", 0))
        .await;
    assert_eq!(drain(&mut feed).await.unwrap().len(), 1);
}
