//! Corrections: each is applied once, with all that belongs to it, by one of several concurrent writers.

use std::sync::Arc;

use jornada_domain::history::RegistrationHistory;
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Registration, RegistrationId, RegistrationSelection};
use jornada_store::{InsertOutcome, UpdateOutcome};

use crate::fixture::{self, Change, StoreFixture, corrected, deletion, drain, named, registration};

/// Returns the id derived from an answer to the unique field.
fn id(fixture: &StoreFixture, answer: &str) -> RegistrationId {
    let key = UniqueKey::Answer(answer.to_owned());
    RegistrationId::derive(&[1; 32], &fixture.campaign.id, &key)
}

pub async fn insert(fixture: &StoreFixture, key: &str, value: &str) -> RegistrationHistory {
    let one = registration(&fixture.campaign, key, value, 0);
    fixture.insert(&one).await;
    record(fixture, &one).await
}

pub async fn record(fixture: &StoreFixture, one: &Registration) -> RegistrationHistory {
    let found = fixture.history(one.id).await;
    found.unwrap()
}

/// Corrects `read`, with an alias if the document changes.
pub async fn correct(
    fixture: &StoreFixture,
    read: &RegistrationHistory,
    parts: &[(&str, &str)],
) -> UpdateOutcome {
    let better = corrected(&fixture.campaign, read, parts);
    let answer = fixture.campaign.unique_answer(&better.registration.answers);
    let claim = answer.map(|answer| id(fixture, answer));
    let claim = claim.filter(|claim| *claim != read.registration.id);
    let amended = fixture
        .store
        .correct(&fixture.campaign, read, &better, claim)
        .await;
    amended.unwrap()
}

pub async fn delete(fixture: &StoreFixture, read: &RegistrationHistory) -> UpdateOutcome {
    let deleted = fixture
        .store
        .delete(&fixture.campaign, read, &deletion(read))
        .await;
    deleted.unwrap()
}

pub async fn revision(fixture: &StoreFixture) -> u64 {
    fixture.store.revision(&fixture.campaign.id).await.unwrap()
}

pub async fn try_insert(fixture: &StoreFixture, one: &Registration) -> InsertOutcome {
    fixture.insert(one).await
}

fn values_and_deltas(changes: &[Change]) -> Vec<(&str, i64)> {
    changes
        .iter()
        .map(|change| (change.tally_value.as_str(), change.delta))
        .collect()
}

pub async fn a_correction_records_the_previous_answers(fixture: &StoreFixture) {
    let first = insert(fixture, "1001", "Bogotá").await;
    assert_eq!((first.version, first.corrections.len()), (0, 0));
    let parts = [("nombre", "Ana \"la\" Ñ"), ("ciudad", "Bogotá")];
    let better = corrected(&fixture.campaign, &first, &parts);
    let done = fixture
        .store
        .correct(&fixture.campaign, &first, &better, None);
    assert_eq!(done.await.unwrap(), UpdateOutcome::Updated);
    assert_eq!(record(fixture, &first.registration).await, better);
    assert_eq!(
        better.corrections[0].changes[0].before.as_deref(),
        Some("Persona 1001")
    );

    let none = [("documento", "")];
    let best = corrected(&fixture.campaign, &better, &none);
    let done = fixture
        .store
        .correct(&fixture.campaign, &better, &best, None);
    assert_eq!(done.await.unwrap(), UpdateOutcome::Updated);
    let found = record(fixture, &first.registration).await;
    assert_eq!(found, best);
    assert_eq!((found.version, found.corrections.len()), (2, 2));
    assert_eq!(found.registration.answers.get(1), None);
    assert_eq!(fixture.list(None).await, [best.registration]);
    assert_eq!(revision(fixture).await, 2);
    // A late retry of the original submission still returns the original receipt.
    let retry = try_insert(fixture, &first.registration).await;
    assert_eq!(
        retry,
        InsertOutcome::SameAgain(first.registration.received_at)
    );
}

pub async fn a_corrected_value_is_listed_and_counted_under_the_new_value(fixture: &StoreFixture) {
    let first = insert(fixture, "1001", "Cali").await;
    insert(fixture, "1002", "Cali").await;
    assert_eq!(
        correct(fixture, &first, &[("ciudad", "Bogotá")]).await,
        UpdateOutcome::Updated
    );
    let count = async |of: RegistrationSelection| fixture.count(&of).await;
    assert_eq!(count(RegistrationSelection::for_value("Cali")).await, 1);
    assert_eq!(count(RegistrationSelection::for_value("Bogotá")).await, 1);
    assert_eq!(count(RegistrationSelection::all()).await, 2);
    let there = fixture.list(Some("Bogotá")).await;
    assert_eq!(there[0].id, first.registration.id);
    let number = first.registration.id.receipt();
    let receipt = fixture.store.receipt(number).await.unwrap().unwrap();
    assert_eq!(receipt.tally_value, "Bogotá");
}

pub async fn an_answer_to_a_removed_field_survives_a_correction(fixture: &StoreFixture) {
    let first = insert(fixture, "1001", "Bogotá").await;
    let mut smaller = (*fixture.campaign).clone();
    smaller.fields.remove(1);
    let smaller = Arc::new(smaller);
    let id = first.registration.id;
    let read = fixture.store.history(&smaller, id).await.unwrap().unwrap();
    let better = corrected(&smaller, &read, &[("nombre", "Ana Ejemplo")]);
    let done = fixture.store.correct(&smaller, &read, &better, None).await;
    assert_eq!(done.unwrap(), UpdateOutcome::Updated);
    let found = record(fixture, &first.registration).await;
    assert_eq!(found.registration.answers.get(0), Some("Ana Ejemplo"));
    assert_eq!(found.registration.answers.get(1), Some("1001"));
}

pub async fn one_of_many_concurrent_updates_wins(fixture: &StoreFixture) {
    let read = insert(fixture, "1001", "Bogotá").await;
    let before = revision(fixture).await;
    let amending: Vec<_> = (0..12)
        .map(|number| {
            let (store, campaign, read) = (
                fixture.store.clone(),
                Arc::clone(&fixture.campaign),
                read.clone(),
            );
            tokio::spawn(async move {
                if number % 3 == 0 {
                    let deletion = deletion(&read);
                    return store.delete(&campaign, &read, &deletion).await.unwrap();
                }
                let name = format!("Persona Nueva {number}");
                let better = corrected(&campaign, &read, &[("nombre", &name)]);
                store
                    .correct(&campaign, &read, &better, None)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut done = 0;
    for amended in amending {
        match amended.await.unwrap() {
            UpdateOutcome::Updated => done += 1,
            other => assert_eq!(other, UpdateOutcome::Stale),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(revision(fixture).await, before + 1);
}

pub async fn an_alias_belongs_to_one_registration(fixture: &StoreFixture) {
    let mine = insert(fixture, "1001", "Bogotá").await;
    insert(fixture, "1002", "Bogotá").await;
    assert_eq!(
        correct(fixture, &mine, &[("documento", "1002")]).await,
        UpdateOutcome::AliasTaken
    );
    assert_eq!(
        correct(fixture, &mine, &[("documento", "1003")]).await,
        UpdateOutcome::Updated
    );
    for (key, expected) in [
        ("1003", InsertOutcome::AliasTaken),
        ("1002", InsertOutcome::Conflict),
        ("1001", InsertOutcome::Conflict),
    ] {
        let other = named(&fixture.campaign, key, "Otra Persona", "Cali", 9);
        assert_eq!(try_insert(fixture, &other).await, expected, "{key}");
    }
    assert_eq!(
        fixture.list(None).await.len(),
        2,
        "an alias is no registration"
    );
    let claimed = id(fixture, "1003");
    assert_eq!(fixture.history(claimed).await, None);
    assert_eq!(
        fixture.store.receipt(claimed.receipt()).await.unwrap(),
        None
    );
    // There and back again, over ids that are its own already.
    for key in ["1001", "1003", "1001"] {
        let read = record(fixture, &mine.registration).await;
        assert_eq!(
            correct(fixture, &read, &[("documento", key)]).await,
            UpdateOutcome::Updated
        );
    }
    let other = insert(fixture, "1004", "Bogotá").await;
    assert_eq!(
        correct(fixture, &other, &[("documento", "1003")]).await,
        UpdateOutcome::AliasTaken
    );
    let before = revision(fixture).await;
    assert_eq!(record(fixture, &other.registration).await, other);
    assert_eq!(revision(fixture).await, before);
}

pub async fn an_id_requested_by_many_at_once_goes_to_one(fixture: &StoreFixture) {
    let mut records = Vec::new();
    for key in ["1001", "1002", "1003", "1004"] {
        records.push(insert(fixture, key, "Bogotá").await);
    }
    let claim = id(fixture, "2000");
    let claims = records.into_iter().map(|read| {
        let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
        tokio::spawn(async move {
            let better = corrected(&campaign, &read, &[("documento", "2000")]);
            let amended = store.correct(&campaign, &read, &better, Some(claim)).await;
            u32::from(amended.unwrap() == UpdateOutcome::Updated)
        })
    });
    let claims: Vec<_> = claims.collect();
    let newcomers = (0..4).map(|number| {
        let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
        let one = named(&campaign, "2000", &format!("Persona {number}"), "Cali", 1);
        tokio::spawn(async move {
            let kept = fixture::insert(&store, &campaign, &one).await.unwrap();
            u32::from(kept == InsertOutcome::Inserted)
        })
    });
    let mut owners = 0;
    for attempt in claims.into_iter().chain(newcomers.collect::<Vec<_>>()) {
        owners += attempt.await.unwrap();
    }
    assert_eq!(owners, 1);
}

pub async fn the_feed_reports_corrections_and_deletions(fixture: &StoreFixture) {
    let from = fixture.snapshot().await.position;
    let first = insert(fixture, "1001", "Cali").await;
    let mut read = first.clone();
    for (parts, expected) in [
        (
            [("ciudad", "Bogotá"), ("documento", "1002")],
            UpdateOutcome::Updated,
        ),
        (
            [("nombre", "Ana Ejemplo"), ("ciudad", "Bogotá")],
            UpdateOutcome::Updated,
        ),
        (
            [("ciudad", "Cali"), ("documento", "1001")],
            UpdateOutcome::Updated,
        ),
    ] {
        assert_eq!(correct(fixture, &read, &parts).await, expected);
        read = record(fixture, &first.registration).await;
    }
    assert_eq!(delete(fixture, &first).await, UpdateOutcome::Stale);
    assert_eq!(delete(fixture, &read).await, UpdateOutcome::Updated);
    fixture
        .store
        .mark_deleted(read.registration.id)
        .await
        .unwrap();
    try_insert(fixture, &first.registration).await;
    let theirs = fixture::campaign("carnaval");
    let other = registration(&theirs, "1", "Cali", 0);
    fixture::insert(&fixture.store, &theirs, &other)
        .await
        .unwrap();

    let expected = [
        ("Cali", 1),
        ("Bogotá", 1),
        ("Cali", -1),
        ("Bogotá", -1),
        ("Cali", 1),
        ("Cali", -1),
        ("Cali", 1),
    ];
    let mut feed = fixture.feed(&from).await;
    let changes = drain(&mut feed).await.unwrap();
    assert_eq!(values_and_deltas(&changes), expected);
    assert!(changes.is_sorted_by_key(|change| change.position.at));
    let is_other = |change: &Change| change.campaign == theirs.id;
    assert_eq!(changes.iter().position(is_other), Some(6));
    assert_eq!(changes[1].position, changes[2].position, "one correction");
    // Every position from which a feed continues is after a complete correction.
    for behind in [0, 2, 4, 5, 6] {
        let again = fixture.reopen().await;
        let position = &changes[behind].position;
        let mut feed = again.feed(position).await.unwrap();
        assert_eq!(drain(&mut feed).await.unwrap(), changes[behind + 1..]);
    }
    let now = fixture.snapshot().await.position;
    let mut feed = fixture.feed(&now).await;
    assert!(drain(&mut feed).await.unwrap().is_empty());
}
