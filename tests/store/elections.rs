//! Batches while a MongoDB of its own loses its primary: it steps down, is killed, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jornada_domain::RegistrationSelection;
use jornada_store::{InsertOutcome, StoreError};
use mongodb::bson::{Document, doc};
use tokio::time::sleep;

use crate::exactness::assert_deltas_are_exact;
use crate::fixture::{StoreFixture, record, registration};
use crate::mongod::Mongod;

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_inserted_once_while_the_primary_is_lost() {
    let mut mongod = Mongod::start().await;
    let fixture = StoreFixture::open(mongod.setting()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    let keys = (0..10).map(|number| format!("{writer}-{count}-{number}"));
                    let batch = keys.map(|key| {
                        let one = registration(&campaign, &key, "Cali", 0);
                        record(&campaign, &one)
                    });
                    let batch: Vec<_> = batch.collect();
                    insert_until_known(&store, &batch).await;
                    count += 1;
                }
                count * 10
            })
        })
        .collect();
    for _ in 0..3 {
        sleep(Duration::from_millis(700)).await;
        mongod.step_down().await;
        sleep(Duration::from_secs(2)).await;
        mongod.kill_and_restart();
        sleep(Duration::from_secs(2)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut expected = 0;
    for writer in writers {
        expected += writer.await.unwrap();
    }
    assert!(expected > 100);
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, expected);
    assert_deltas_are_exact(&fixture).await;
    let written = fixture.database().await.collection::<Document>("deltas");
    assert!(written.count_documents(doc! {}).await.unwrap() > 10);
}

/// Repeats a batch while its outcome is unknown, as clients do.
async fn insert_until_known(
    store: &jornada_store::Store,
    batch: &[jornada_store::NewRegistration],
) {
    loop {
        let outcomes = store.insert(batch.to_vec()).await;
        let is_unknown =
            |outcome: &Result<_, _>| matches!(outcome, Err(StoreError::Unavailable(_)));
        if outcomes.iter().any(is_unknown) {
            continue;
        }
        for outcome in outcomes {
            assert!(matches!(
                outcome.unwrap(),
                InsertOutcome::Inserted | InsertOutcome::SameAgain(_)
            ));
        }
        return;
    }
}
