//! Batches on MongoDB that are interrupted: connections cut at each step, abandoned transactions, a store that is down.

use std::time::Duration;

use jornada_domain::{Registration, RegistrationSelection};
use jornada_service::batcher::metrics::BatchMetricsByKind;
use jornada_service::batcher::{BatchError, Batcher, MAX_WAITING_REGISTRATIONS};
use jornada_store::{InsertOutcome, OPERATION_TIMEOUT, StoreError, UpdateOutcome};
use jornada_testkit::proxy::{Cut, Proxy};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Document, doc};
use tokio::time::{Instant, sleep};

use crate::corrections::{correct, delete, record as history};
use crate::exactness::assert_deltas_are_exact;
use crate::fixture::{StoreFixture, record, registration};
use crate::outages::{LIMIT, behind_a_proxy};

/// The commands of a transaction, and the read that follows a duplicate.
const STEPS: [&str; 4] = ["deltas", "registrations", "commitTransaction", "$in"];

async fn fixture_behind_a_proxy() -> (Proxy, StoreFixture) {
    let (proxy, setting) = behind_a_proxy().await;
    (proxy, StoreFixture::open(setting).await)
}

fn three(fixture: &StoreFixture, group: &str) -> Vec<Registration> {
    let keys = (1..4).map(|number| format!("{group}{number}"));
    keys.map(|key| registration(&fixture.campaign, &key, "Cali", 0))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_inserted_once_wherever_the_connection_is_cut() {
    let (proxy, fixture) = fixture_behind_a_proxy().await;
    let known = registration(&fixture.campaign, "9999", "Cali", 5);
    fixture.insert(&known).await;
    let mut count = 1;
    for (number, text) in STEPS.into_iter().enumerate() {
        for is_delivered in [false, true] {
            let mut batch = three(&fixture, &format!("{number}{}", u8::from(is_delivered)));
            let mut expected = vec![InsertOutcome::Inserted; 3];
            if text == "$in" {
                batch.push(known.clone());
                expected.push(InsertOutcome::SameAgain(known.received_at));
            }
            proxy.cut_once(Cut { text, is_delivered });
            let outcomes = fixture.insert_all(&batch).await;
            assert!(!proxy.is_cut_pending(), "{text} was not sent");
            assert_eq!(outcomes, expected, "{text}, delivered: {is_delivered}");
            count += 3;
            assert_eq!(fixture.count(&RegistrationSelection::all()).await, count);
            assert_deltas_are_exact(&fixture).await;
        }
    }
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_and_a_deletion_are_counted_once_wherever_the_connection_is_cut() {
    let (proxy, fixture) = fixture_behind_a_proxy().await;
    for text in ["deltas", "revisions", "commitTransaction"] {
        for is_delivered in [false, true] {
            let one = registration(
                &fixture.campaign,
                &format!("{text}{is_delivered}"),
                "Cali",
                0,
            );
            fixture.insert(&one).await;
            let read = history(&fixture, &one).await;
            proxy.cut_once(Cut { text, is_delivered });
            let corrected = correct(&fixture, &read, &[("ciudad", "Pasto")]).await;
            assert_eq!(corrected, UpdateOutcome::Updated, "{text} {is_delivered}");
            assert_deltas_are_exact(&fixture).await;
            let read = history(&fixture, &one).await;
            proxy.cut_once(Cut { text, is_delivered });
            let deleted = delete(&fixture, &read).await;
            assert_eq!(deleted, UpdateOutcome::Updated, "{text} {is_delivered}");
            assert!(!proxy.is_cut_pending(), "{text} was not sent");
            assert_deltas_are_exact(&fixture).await;
        }
    }
    fixture.remove().await;
}

/// An instance that dies between insert and commit leaves its transaction open until the server ends it, after
/// `transactionLifetimeLimitSeconds`.
#[tokio::test(flavor = "multi_thread")]
async fn the_transaction_of_a_dead_instance_delays_only_its_ids() {
    let fixture = StoreFixture::mongodb().await;
    let locked = registration(&fixture.campaign, "1", "Cali", 0);
    let database = fixture.database().await;
    let mut abandoned = database.client().start_session().await.unwrap();
    abandoned.start_transaction().await.unwrap();
    let id = Binary {
        subtype: BinarySubtype::Generic,
        bytes: locked.id.as_bytes().to_vec(),
    };
    let all = database.collection::<Document>("registrations");
    let insert = all.insert_one(doc! { "_id": id }).session(&mut abandoned);
    insert.await.unwrap();
    let others = three(&fixture, "2");
    assert_eq!(
        fixture.insert_all(&others).await,
        vec![InsertOutcome::Inserted; 3]
    );
    assert_eq!(fixture.insert(&locked).await, InsertOutcome::Inserted);
    assert_deltas_are_exact(&fixture).await;
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_store_that_is_down_gets_an_error_in_time() {
    let (proxy, fixture) = fixture_behind_a_proxy().await;
    let metrics = BatchMetricsByKind::new(&prometheus::Registry::new()).unwrap();
    let metrics = metrics.of_registrations();
    let batcher = Batcher::new(fixture.store.clone(), metrics, MAX_WAITING_REGISTRATIONS);
    let insert = |key: usize| {
        let one = registration(&fixture.campaign, &key.to_string(), "Cali", 0);
        let (batcher, record) = (batcher.clone(), record(&fixture.campaign, &one));
        tokio::spawn(async move {
            let start = Instant::now();
            (batcher.insert(record).await, start.elapsed())
        })
    };
    proxy.set_open(false);
    let mut waiting = Vec::new();
    for key in 0..8 {
        // The last ones wait while the batches of the first ones fail.
        waiting.push(insert(key));
        sleep(OPERATION_TIMEOUT / 5).await;
    }
    for waiting in waiting {
        let (outcome, elapsed) = waiting.await.unwrap();
        let error = outcome.unwrap_err();
        assert!(matches!(
            error,
            BatchError::Store(StoreError::Unavailable(_))
        ));
        assert!(elapsed < LIMIT);
    }
    proxy.set_open(true);
    let (outcome, _) = insert(8).await.unwrap();
    assert_eq!(outcome.unwrap(), InsertOutcome::Inserted);
    batcher.drain().await;
    assert_deltas_are_exact(&fixture).await;
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_during_outages_are_inserted_once() {
    let (proxy, fixture) = fixture_behind_a_proxy().await;
    let writing = async {
        for number in 0..120 {
            let batch = three(&fixture, &format!("{number}-"));
            let outcomes = fixture.insert_all(&batch).await;
            assert_eq!(outcomes, vec![InsertOutcome::Inserted; 3]);
        }
    };
    let breaking = async {
        for _ in 0..6 {
            sleep(Duration::from_millis(150)).await;
            proxy.set_open(false);
            sleep(Duration::from_millis(100)).await;
            proxy.set_open(true);
        }
    };
    tokio::join!(writing, breaking);
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 360);
    assert_deltas_are_exact(&fixture).await;
    fixture.remove().await;
}
