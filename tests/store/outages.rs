//! Stores that are unavailable, broken or of the wrong kind.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use jornada_domain::{Registration, RegistrationSelection};
use jornada_store::{
    FeedError, FeedPosition, InsertOutcome, OPERATION_TIMEOUT, PING_TIMEOUT, Store, StoreError,
    StoreSetting, UpdateOutcome,
};
use mongodb::bson::doc;
use tokio::time::Instant;

use crate::fixture::{self, StoreFixture, corrected, mongodb_address, named, registration};
use jornada_testkit::proxy::Proxy;
use jornada_testkit::servers;

/// The time limit, with a reserve for a busy machine.
pub const LIMIT: Duration = OPERATION_TIMEOUT.saturating_add(Duration::from_secs(3));

const NAME: &str = "Persona Que Nadie Debe Leer";

/// Returns everything that a log could show of an error.
fn full_text(error: &StoreError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, " {error} {error:?}").unwrap();
        source = error.source();
    }
    text
}

/// A MongoDB behind a proxy, with a direct connection: a replica set would announce its own address.
pub async fn behind_a_proxy() -> (Proxy, StoreSetting) {
    let server = servers::variable("JORNADA_TEST_MONGODB");
    let host = server.trim_start_matches("mongodb://");
    let host = host.split(['/', ',']).next().unwrap().to_owned();
    let proxy = Proxy::start(host).await;
    let address = format!("mongodb://{}/?directConnection=true", proxy.address);
    (proxy, StoreSetting::Mongo(mongodb_address(&address).into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_mongodb_is_unavailable_in_time() {
    let setting = StoreSetting::Mongo(mongodb_address("mongodb://127.0.0.1:1/").into());
    let before = Instant::now();
    let opened = Store::open(&setting).await;
    assert!(matches!(opened.unwrap_err(), StoreError::Unavailable(_)));
    assert!(before.elapsed() < LIMIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mongodb_that_disappears_is_unavailable_in_time() {
    let (proxy, setting) = behind_a_proxy().await;
    let campaign = crate::fixture::campaign("vacunacion");
    let store = Store::open(&setting).await.unwrap();
    proxy.set_open(false);
    let before = Instant::now();
    let pinged = store.ping().await;
    assert!(matches!(pinged.unwrap_err(), StoreError::Unavailable(_)));
    assert!(before.elapsed() < PING_TIMEOUT + Duration::from_secs(1));
    let one = registration(&campaign, "1", "Cali", 0);
    let all = RegistrationSelection::all();
    let (kept, found, counted, listed) = tokio::join!(
        fixture::insert(&store, &campaign, &one),
        store.registration(&campaign, one.id),
        crate::fixture::snapshot(&store, &campaign),
        store.registrations(&campaign, &all),
    );
    assert!(matches!(kept.unwrap_err(), StoreError::Unavailable(_)));
    assert!(matches!(found.unwrap_err(), StoreError::Unavailable(_)));
    assert!(matches!(counted.unwrap_err(), StoreError::Unavailable(_)));
    assert!(matches!(listed.unwrap_err(), StoreError::Unavailable(_)));
    assert!(before.elapsed() < LIMIT + PING_TIMEOUT);
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_during_outages_are_inserted_once() {
    let (proxy, setting) = behind_a_proxy().await;
    let campaign = crate::fixture::campaign("vacunacion");
    let store = Store::open(&setting).await.unwrap();
    let from = crate::fixture::snapshot(&store, &campaign)
        .await
        .unwrap()
        .position;
    let mut feed = store.feed(&from).await.unwrap();
    let (writer_store, writer_campaign) = (store.clone(), campaign.clone());
    let writer = tokio::spawn(async move {
        for number in 0..400 {
            let one = registration(
                &writer_campaign,
                &format!("{number}"),
                &format!("{number}"),
                number,
            );
            assert_eq!(
                fixture::insert(&writer_store, &writer_campaign, &one)
                    .await
                    .unwrap(),
                InsertOutcome::Inserted
            );
        }
    });
    // Cuts operations in the middle, some before their acknowledgement arrives.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        proxy.set_open(false);
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.set_open(true);
    }
    writer.await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 400 {
        match feed.next(Duration::ZERO).await {
            Ok(batch) if batch.changes.is_empty() => break,
            Ok(batch) => {
                let changes = crate::fixture::changes(batch).into_iter();
                seen.extend(changes.map(|change| change.tally_value));
            }
            Err(FeedError::Store(StoreError::Unavailable(_))) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let expected: Vec<_> = (0..400).map(|number| number.to_string()).collect();
    assert_eq!(seen, expected);
    assert_eq!(
        store
            .count(&campaign.id, &RegistrationSelection::all())
            .await
            .unwrap(),
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_during_outages_are_applied_once() {
    let (proxy, setting) = behind_a_proxy().await;
    let campaign = crate::fixture::campaign("vacunacion");
    let store = Store::open(&setting).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..60 {
        let one = registration(&campaign, &format!("{number}"), "Cali", number);
        fixture::insert(&store, &campaign, &one).await.unwrap();
        ids.push(one.id);
    }
    let from = crate::fixture::snapshot(&store, &campaign)
        .await
        .unwrap()
        .position;
    let (writer_store, writer_campaign) = (store.clone(), campaign.clone());
    let clerk = tokio::spawn(async move {
        for id in ids {
            let read = loop {
                match writer_store.history(&writer_campaign, id).await {
                    Ok(read) => break read.unwrap(),
                    Err(error) => assert!(matches!(error, StoreError::Unavailable(_))),
                }
            };
            let better = corrected(&writer_campaign, &read, &[("ciudad", "Pasto")]);
            let amended = writer_store
                .correct(&writer_campaign, &read, &better, None)
                .await;
            assert_eq!(amended.unwrap(), UpdateOutcome::Updated);
        }
    });
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        proxy.set_open(false);
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.set_open(true);
    }
    clerk.await.unwrap();
    assert_eq!(store.revision(&campaign.id).await.unwrap(), 60);
    let totals = crate::fixture::snapshot(&store, &campaign)
        .await
        .unwrap()
        .totals;
    assert_eq!(totals, [("Pasto".to_owned(), 60)].into());
    let mut feed = store.feed(&from).await.unwrap();
    let changes = crate::fixture::drain(&mut feed).await.unwrap();
    let moved = |delta| {
        changes
            .iter()
            .filter(|change| change.delta == delta)
            .count()
    };
    assert_eq!((moved(-1), moved(1)), (60, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_feed_is_lost() {
    let fixture = StoreFixture::mongodb().await;
    let from = fixture.snapshot().await.position;
    fixture.fill(1, &["a"]).await;
    let mut feed = fixture.feed(&from).await;
    let changes = crate::fixture::drain(&mut feed).await.unwrap();
    let FeedPosition { at, token, delta } = changes[0].position.clone();
    let token = token.unwrap();
    let mut unknown = token.clone();
    let digit = token.rfind("\"}").unwrap() - 30;
    let other = if &token[digit..=digit] == "0" {
        "1"
    } else {
        "0"
    };
    unknown.replace_range(digit..=digit, other);
    for token in [
        "",
        "{}",
        "{\"_data\":\"\"}",
        "{\"_data\":\"zz\"}",
        "{\"_data\":7}",
        &unknown,
    ] {
        let position = FeedPosition {
            at,
            token: Some(token.to_owned()),
            delta: delta.clone(),
        };
        let lost = match fixture.store.feed(&position).await {
            Ok(mut feed) => feed.next(Duration::ZERO).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(lost, FeedError::Lost), "{token}: {lost:?}");
    }
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_a_dropped_collection_is_lost() {
    let fixture = StoreFixture::mongodb().await;
    let from = fixture.snapshot().await.position;
    let mut feed = fixture.feed(&from).await;
    fixture.database().await.drop().await.unwrap();
    let lost = loop {
        match feed.next(Duration::ZERO).await {
            Ok(batch) => assert!(batch.changes.is_empty()),
            Err(error) => break error,
        }
    };
    assert!(matches!(lost, FeedError::Lost));
}

/// Inserts a registration that the store must refuse, and returns the text of the error with its causes.
async fn text_of_failed_insert(fixture: &StoreFixture, one: &Registration) -> String {
    let error = fixture::insert(&fixture.store, &fixture.campaign, one)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)));
    full_text(&error)
}

#[tokio::test(flavor = "multi_thread")]
async fn mongodb_errors_contain_no_personal_data() {
    let fixture = StoreFixture::mongodb().await;
    let never = doc! { "collMod": "registrations", "validator": { "answers.nombre": "nobody" } };
    fixture.database().await.run_command(never).await.unwrap();
    let one = named(&fixture.campaign, "1", NAME, NAME, 0);
    let text = text_of_failed_insert(&fixture, &one).await;
    assert!(text.contains("121") && !text.contains("Persona"), "{text}");
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_errors_contain_no_personal_data() {
    let fixture = StoreFixture::sqlite().await;
    let StoreSetting::Sqlite(path) = &fixture.setting else {
        panic!("this is no SQLite");
    };
    let file = rusqlite::Connection::open(path).unwrap();
    file.execute_batch(
        "CREATE TRIGGER refuse BEFORE INSERT ON registrations \
         BEGIN SELECT RAISE(ABORT, NEW.answers); END",
    )
    .unwrap();
    let one = named(&fixture.campaign, "1", NAME, NAME, 0);
    let text = text_of_failed_insert(&fixture, &one).await;
    assert!(!text.contains("Persona"), "{text}");
    // The write thread continues.
    file.execute_batch("DROP TRIGGER refuse").unwrap();
    let kept = fixture.insert(&one).await;
    assert_eq!(kept, InsertOutcome::Inserted);
}
