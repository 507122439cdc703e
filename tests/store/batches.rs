//! Batches: each record has its own outcome, and their deltas count exactly what is stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jornada_domain::{Registration, RegistrationSelection};
use jornada_store::{
    InsertOutcome, MAX_BATCH_RECORDS, NewRegistration, StoreError, StoreSetting, UpdateOutcome,
};
use mongodb::bson::doc;

use crate::corrections::{correct, delete, insert};
use crate::exactness::{assert_deltas_are_exact, sum_of_deltas};
use crate::fixture::{self, StoreFixture, named, record, registration};

const REFUSED: &str = "Persona Rechazada";

/// Returns a retry of `one`.
fn later(one: &Registration) -> Registration {
    Registration {
        received_at: one.received_at + Duration::from_mins(1),
        ..one.clone()
    }
}

pub async fn a_batch_returns_an_outcome_for_each_record(fixture: &StoreFixture) {
    let known = insert(fixture, "1001", "Bogotá").await.registration;
    let taken = insert(fixture, "1005", "Bogotá").await.registration;
    let owner = insert(fixture, "1002", "Cali").await;
    let aliased = correct(fixture, &owner, &[("documento", "1003")]).await;
    assert_eq!(aliased, UpdateOutcome::Updated);
    let gone = insert(fixture, "1004", "Pasto").await;
    assert_eq!(delete(fixture, &gone).await, UpdateOutcome::Updated);

    let first = registration(&fixture.campaign, "1", "Cali", 5);
    let second = registration(&fixture.campaign, "2", "Pasto", 6);
    let other = |key| named(&fixture.campaign, key, "Otra Persona", "Cali", 9);
    let expected = [
        (first.clone(), InsertOutcome::Inserted),
        (later(&known), InsertOutcome::SameAgain(known.received_at)),
        (other("1001"), InsertOutcome::Conflict),
        (other("1003"), InsertOutcome::AliasTaken),
        (gone.registration, InsertOutcome::Deleted),
        // The same ids again: the outcome does not depend on what came first in the batch.
        (later(&first), InsertOutcome::SameAgain(first.received_at)),
        (other("1"), InsertOutcome::Conflict),
        (other("1005"), InsertOutcome::Conflict),
        (later(&taken), InsertOutcome::SameAgain(taken.received_at)),
        (other("1004"), InsertOutcome::Deleted),
        (second, InsertOutcome::Inserted),
    ];
    let (batch, expected): (Vec<_>, Vec<_>) = expected.into_iter().unzip();
    assert_eq!(fixture.insert_all(&batch).await, expected);
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 5);
    assert_deltas_are_exact(fixture).await;
}

pub async fn a_batch_may_be_empty_or_large(fixture: &StoreFixture) {
    assert!(
        fixture
            .store
            .insert(Vec::<NewRegistration>::new())
            .await
            .is_empty()
    );
    let other = fixture::campaign("carnaval");
    let all = (0..MAX_BATCH_RECORDS).map(|number| {
        let campaign = if number % 10 == 0 {
            &other
        } else {
            &fixture.campaign
        };
        let place = ["Cali", "Bogotá"][number % 2];
        record(
            campaign,
            &registration(campaign, &number.to_string(), place, 0),
        )
    });
    for outcome in fixture.store.insert(all.collect()).await {
        assert_eq!(outcome.unwrap(), InsertOutcome::Inserted);
    }
    assert_deltas_are_exact(fixture).await;
    let sum = sum_of_deltas(fixture, &other.id).await;
    assert_eq!(sum, [(vec!["Cali".to_owned()], 100)].into());
}

pub async fn batches_of_several_instances_insert_each_id_once(fixture: &StoreFixture) {
    let other = fixture.reopen().await;
    let writers: Vec<_> = (0..8_i64)
        .map(|writer| {
            let store = [&fixture.store, &other][usize::from(writer % 2 == 0)].clone();
            let campaign = Arc::clone(&fixture.campaign);
            tokio::spawn(async move {
                let mut results = Vec::new();
                for round in 0..10 {
                    let keys = (0..40).map(|number| (number * 7 + writer * 13 + round * 29) % 200);
                    let all: Vec<_> = keys
                        .map(|key| {
                            let place = if key % 3 == 0 { "Cali" } else { "Pasto" };
                            let at = writer * 100 + round;
                            registration(&campaign, &key.to_string(), place, at)
                        })
                        .collect();
                    let batch = all.iter().map(|one| record(&campaign, one)).collect();
                    let outcomes = store.insert(batch).await.into_iter();
                    results.extend(all.into_iter().zip(outcomes.map(Result::unwrap)));
                }
                results
            })
        })
        .collect();
    let mut results = Vec::new();
    for writer in writers {
        results.extend(writer.await.unwrap());
    }
    let inserted = results
        .iter()
        .filter(|(_, outcome)| *outcome == InsertOutcome::Inserted);
    let inserted: Vec<_> = inserted.map(|(one, _)| (one.id, one.received_at)).collect();
    let first: BTreeMap<_, _> = inserted.iter().copied().collect();
    assert_eq!((inserted.len(), first.len()), (200, 200));
    for (one, outcome) in &results {
        if *outcome != InsertOutcome::Inserted {
            assert_eq!(*outcome, InsertOutcome::SameAgain(first[&one.id]));
        }
    }
    assert_deltas_are_exact(fixture).await;
}

/// Makes the database refuse the name [`REFUSED`].
async fn refuse(fixture: &StoreFixture) {
    if let StoreSetting::Sqlite(path) = &fixture.setting {
        let sql = format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON registrations \
             WHEN json_extract(NEW.answers, '$.nombre') = '{REFUSED}' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        );
        let file = rusqlite::Connection::open(path).unwrap();
        return file.execute_batch(&sql).unwrap();
    }
    let validator = doc! { "answers.nombre": { "$ne": REFUSED } };
    let never = doc! { "collMod": "registrations", "validator": validator };
    fixture.database().await.run_command(never).await.unwrap();
}

pub async fn a_refused_record_fails_alone(fixture: &StoreFixture) {
    refuse(fixture).await;
    let refused = ["7", "31", "49"];
    let campaign = &fixture.campaign;
    let mut all: Vec<_> = (0..50)
        .map(|number| {
            let key = number.to_string();
            if refused.contains(&key.as_str()) {
                named(campaign, &key, REFUSED, "Cali", 0)
            } else {
                registration(campaign, &key, "Cali", 0)
            }
        })
        .collect();
    // Of the same id as a refused one: it is the first that is stored.
    all.push(registration(campaign, "7", "Cali", 1));
    let batch = all.iter().map(|one| record(campaign, one)).collect();
    let outcomes = fixture.store.insert(batch).await;
    for (one, outcome) in all.iter().zip(outcomes) {
        if one.answers.get(0) == Some(REFUSED) {
            assert!(
                matches!(outcome, Err(StoreError::Refused(_))),
                "{outcome:?}"
            );
        } else {
            assert_eq!(outcome.unwrap(), InsertOutcome::Inserted);
        }
    }
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 48);
    assert_deltas_are_exact(fixture).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_for_mongodb_fails_alone() {
    let fixture = StoreFixture::mongodb().await;
    let campaign = &fixture.campaign;
    let batch = [
        registration(campaign, "1", "Cali", 0),
        named(campaign, "2", &"x".repeat(17 << 20), "Cali", 0),
        registration(campaign, "3", "Cali", 0),
    ];
    let batch = batch.iter().map(|one| record(campaign, one)).collect();
    let outcomes = fixture.store.insert(batch).await;
    assert!(matches!(
        outcomes[..],
        [
            Ok(InsertOutcome::Inserted),
            Err(StoreError::Refused(_)),
            Ok(InsertOutcome::Inserted)
        ]
    ));
    assert_deltas_are_exact(&fixture).await;
    fixture.remove().await;
}

pub async fn corrections_and_deletions_change_the_counts(fixture: &StoreFixture) {
    let first = insert(fixture, "1001", "Cali").await;
    let second = insert(fixture, "1002", "Cali").await;
    for (parts, expected) in [
        ([("ciudad", "Bogotá")], UpdateOutcome::Updated),
        ([("ciudad", "Pasto")], UpdateOutcome::Stale),
    ] {
        assert_eq!(correct(fixture, &first, &parts).await, expected);
    }
    let renamed = correct(fixture, &second, &[("nombre", "Ana Ejemplo")]).await;
    assert_eq!(renamed, UpdateOutcome::Updated);
    let count = |place: &str, count| (vec![place.to_owned()], count);
    let sum = sum_of_deltas(fixture, &fixture.campaign.id).await;
    assert_eq!(sum, [count("Bogotá", 1), count("Cali", 1)].into());
    let read = fixture.history(first.registration.id).await.unwrap();
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);
    let sum = sum_of_deltas(fixture, &fixture.campaign.id).await;
    assert_eq!(sum, [count("Cali", 1)].into());
    assert_deltas_are_exact(fixture).await;
}
