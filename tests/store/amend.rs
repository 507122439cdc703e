//! Corrections: each is applied once, with all that belongs to it, by one of several concurrent writers.

use std::sync::Arc;

use jornada::domain::record::Record;
use jornada::domain::registration::UniqueKey;
use jornada::domain::{Registration, RegistrationId, Selection};
use jornada::store::{Amended, Change, Kept};

use crate::bed::{self, Bed, corrected, deletion, drain, named, registration};

/// Returns the id derived from an answer to the unique field.
fn id(bed: &Bed, answer: &str) -> RegistrationId {
    let key = UniqueKey::Answer(answer.to_owned());
    RegistrationId::derive(&[1; 32], &bed.campaign.id, &key)
}

pub async fn insert(bed: &Bed, key: &str, value: &str) -> Record {
    let one = registration(&bed.campaign, key, value, 0);
    bed.store.keep(&bed.campaign, &one).await.unwrap();
    record(bed, &one).await
}

pub async fn record(bed: &Bed, one: &Registration) -> Record {
    let found = bed.store.record(&bed.campaign, one.id).await.unwrap();
    found.unwrap()
}

/// Corrects `read`, with an alias if the document changes.
pub async fn correct(bed: &Bed, read: &Record, parts: &[(&str, &str)]) -> Amended {
    let better = corrected(&bed.campaign, read, parts);
    let answer = bed.campaign.unique_answer(&better.registration.answers);
    let claim = answer.map(|answer| id(bed, answer));
    let claim = claim.filter(|claim| *claim != read.registration.id);
    let amended = bed.store.correct(&bed.campaign, read, &better, claim).await;
    amended.unwrap()
}

pub async fn delete(bed: &Bed, read: &Record) -> Amended {
    let deleted = bed.store.delete(&bed.campaign, read, &deletion(read)).await;
    deleted.unwrap()
}

pub async fn revision(bed: &Bed) -> u64 {
    bed.store.revision(&bed.campaign.id).await.unwrap()
}

pub async fn try_insert(bed: &Bed, one: &Registration) -> Kept {
    bed.store.keep(&bed.campaign, one).await.unwrap()
}

fn values_and_deltas(changes: &[Change]) -> Vec<(&str, i64)> {
    changes
        .iter()
        .map(|change| (change.value.as_str(), change.delta))
        .collect()
}

pub async fn a_correction_records_the_previous_answers(bed: &Bed) {
    let first = insert(bed, "1001", "Bogotá").await;
    assert_eq!((first.version, first.corrections.len()), (0, 0));
    let parts = [("nombre", "Ana \"la\" Ñ"), ("ciudad", "Bogotá")];
    let better = corrected(&bed.campaign, &first, &parts);
    let done = bed.store.correct(&bed.campaign, &first, &better, None);
    assert_eq!(done.await.unwrap(), Amended::Done);
    assert_eq!(record(bed, &first.registration).await, better);
    assert_eq!(
        better.corrections[0].changes[0].was.as_deref(),
        Some("Persona 1001")
    );

    let none = [("documento", "")];
    let best = corrected(&bed.campaign, &better, &none);
    let done = bed.store.correct(&bed.campaign, &better, &best, None);
    assert_eq!(done.await.unwrap(), Amended::Done);
    let found = record(bed, &first.registration).await;
    assert_eq!(found, best);
    assert_eq!((found.version, found.corrections.len()), (2, 2));
    assert_eq!(found.registration.answers.get(1), None);
    assert_eq!(bed.list(None).await, [best.registration]);
    assert_eq!(revision(bed).await, 2);
    // A late retry of the original submission still returns the original receipt.
    let retry = try_insert(bed, &first.registration).await;
    assert_eq!(retry, Kept::Retry(first.registration.received_at));
}

pub async fn a_corrected_value_is_listed_and_counted_under_the_new_value(bed: &Bed) {
    let first = insert(bed, "1001", "Cali").await;
    insert(bed, "1002", "Cali").await;
    assert_eq!(
        correct(bed, &first, &[("ciudad", "Bogotá")]).await,
        Amended::Done
    );
    let count = async |of: Selection| bed.store.count(&bed.campaign.id, &of).await.unwrap();
    assert_eq!(count(Selection::of("Cali")).await, 1);
    assert_eq!(count(Selection::of("Bogotá")).await, 1);
    assert_eq!(count(Selection::all()).await, 2);
    let there = bed.list(Some("Bogotá")).await;
    assert_eq!(there[0].id, first.registration.id);
    let number = first.registration.id.receipt();
    let receipt = bed.store.receipt(number).await.unwrap().unwrap();
    assert_eq!(receipt.value, "Bogotá");
}

pub async fn an_answer_to_a_removed_field_survives_a_correction(bed: &Bed) {
    let first = insert(bed, "1001", "Bogotá").await;
    let mut smaller = (*bed.campaign).clone();
    smaller.fields.remove(1);
    let id = first.registration.id;
    let read = bed.store.record(&smaller, id).await.unwrap().unwrap();
    let better = corrected(&smaller, &read, &[("nombre", "Ana Ejemplo")]);
    let done = bed.store.correct(&smaller, &read, &better, None).await;
    assert_eq!(done.unwrap(), Amended::Done);
    let found = record(bed, &first.registration).await;
    assert_eq!(found.registration.answers.get(0), Some("Ana Ejemplo"));
    assert_eq!(found.registration.answers.get(1), Some("1001"));
}

pub async fn one_of_many_concurrent_updates_wins(bed: &Bed) {
    let read = insert(bed, "1001", "Bogotá").await;
    let before = revision(bed).await;
    let amending: Vec<_> = (0..12)
        .map(|number| {
            let (store, campaign, read) =
                (bed.store.clone(), Arc::clone(&bed.campaign), read.clone());
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
            Amended::Done => done += 1,
            other => assert_eq!(other, Amended::Stale),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(revision(bed).await, before + 1);
}

pub async fn an_alias_belongs_to_one_registration(bed: &Bed) {
    let mine = insert(bed, "1001", "Bogotá").await;
    insert(bed, "1002", "Bogotá").await;
    assert_eq!(
        correct(bed, &mine, &[("documento", "1002")]).await,
        Amended::Taken
    );
    assert_eq!(
        correct(bed, &mine, &[("documento", "1003")]).await,
        Amended::Done
    );
    for (key, expected) in [
        ("1003", Kept::Claimed),
        ("1002", Kept::Taken),
        ("1001", Kept::Taken),
    ] {
        let other = named(&bed.campaign, key, "Otra Persona", "Cali", 9);
        assert_eq!(try_insert(bed, &other).await, expected, "{key}");
    }
    assert_eq!(bed.list(None).await.len(), 2, "an alias is no registration");
    let claimed = id(bed, "1003");
    assert_eq!(
        bed.store.record(&bed.campaign, claimed).await.unwrap(),
        None
    );
    assert_eq!(bed.store.receipt(claimed.receipt()).await.unwrap(), None);
    // There and back again, over ids that are its own already.
    for key in ["1001", "1003", "1001"] {
        let read = record(bed, &mine.registration).await;
        assert_eq!(
            correct(bed, &read, &[("documento", key)]).await,
            Amended::Done
        );
    }
    let other = insert(bed, "1004", "Bogotá").await;
    assert_eq!(
        correct(bed, &other, &[("documento", "1003")]).await,
        Amended::Taken
    );
    let before = revision(bed).await;
    assert_eq!(record(bed, &other.registration).await, other);
    assert_eq!(revision(bed).await, before);
}

pub async fn an_id_requested_by_many_at_once_goes_to_one(bed: &Bed) {
    let mut records = Vec::new();
    for key in ["1001", "1002", "1003", "1004"] {
        records.push(insert(bed, key, "Bogotá").await);
    }
    let claim = id(bed, "2000");
    let claims = records.into_iter().map(|read| {
        let (store, campaign) = (bed.store.clone(), Arc::clone(&bed.campaign));
        tokio::spawn(async move {
            let better = corrected(&campaign, &read, &[("documento", "2000")]);
            let amended = store.correct(&campaign, &read, &better, Some(claim)).await;
            u32::from(amended.unwrap() == Amended::Done)
        })
    });
    let claims: Vec<_> = claims.collect();
    let newcomers = (0..4).map(|number| {
        let (store, campaign) = (bed.store.clone(), Arc::clone(&bed.campaign));
        let one = named(&campaign, "2000", &format!("Persona {number}"), "Cali", 1);
        tokio::spawn(async move {
            let kept = store.keep(&campaign, &one).await.unwrap();
            u32::from(kept == Kept::New)
        })
    });
    let mut owners = 0;
    for attempt in claims.into_iter().chain(newcomers.collect::<Vec<_>>()) {
        owners += attempt.await.unwrap();
    }
    assert_eq!(owners, 1);
}

pub async fn the_feed_reports_corrections_and_deletions(bed: &Bed) {
    let from = bed.store.snapshot(&bed.campaign.id).await.unwrap().position;
    let first = insert(bed, "1001", "Cali").await;
    let mut read = first.clone();
    for (parts, expected) in [
        ([("ciudad", "Bogotá"), ("documento", "1002")], Amended::Done),
        (
            [("nombre", "Ana Ejemplo"), ("ciudad", "Bogotá")],
            Amended::Done,
        ),
        ([("ciudad", "Cali"), ("documento", "1001")], Amended::Done),
    ] {
        assert_eq!(correct(bed, &read, &parts).await, expected);
        read = record(bed, &first.registration).await;
    }
    assert_eq!(delete(bed, &first).await, Amended::Stale);
    assert_eq!(delete(bed, &read).await, Amended::Done);
    bed.store.note_removed(read.registration.id).await.unwrap();
    try_insert(bed, &first.registration).await;
    let theirs = bed::campaign("carnaval");
    let other = registration(&theirs, "1", "Cali", 0);
    bed.store.keep(&theirs, &other).await.unwrap();

    let expected = [
        ("Cali", 1),
        ("Cali", -1),
        ("Bogotá", 1),
        ("Bogotá", -1),
        ("Cali", 1),
        ("Cali", -1),
    ];
    let mut feed = bed.store.feed(&bed.campaign.id, &from).await.unwrap();
    let changes = drain(&mut feed).await.unwrap();
    assert_eq!(values_and_deltas(&changes), expected);
    assert!(changes.is_sorted_by_key(|change| change.position.at));
    assert_eq!(changes[1].position, changes[2].position, "one correction");
    // Every position from which a feed continues is after a complete correction.
    for behind in [0, 2, 4, 5] {
        let again = bed.reopen().await;
        let position = &changes[behind].position;
        let mut feed = again.feed(&bed.campaign.id, position).await.unwrap();
        assert_eq!(drain(&mut feed).await.unwrap(), changes[behind + 1..]);
    }
    let now = bed.store.snapshot(&bed.campaign.id).await.unwrap().position;
    let mut feed = bed.store.feed(&bed.campaign.id, &now).await.unwrap();
    assert!(drain(&mut feed).await.unwrap().is_empty());
}
