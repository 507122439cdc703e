//! Inserting registrations and reading them back.

use std::collections::BTreeSet;
use std::sync::Arc;

use jornada_domain::{Answers, Registration, RegistrationId, RegistrationSelection};
use jornada_store::InsertOutcome;

use crate::fixture::{self, StoreFixture, campaign, named, registration};

pub async fn the_first_is_inserted_a_retry_is_recognised_a_conflict_is_rejected(
    fixture: &StoreFixture,
) {
    let first = registration(&fixture.campaign, "1", "Bogotá", 0);
    assert_eq!(fixture.insert(&first).await, InsertOutcome::Inserted);

    let mut retry = first.clone();
    retry.received_at = registration(&fixture.campaign, "1", "Bogotá", 60_000).received_at;
    let outcome = fixture.insert(&retry).await;
    assert_eq!(outcome, InsertOutcome::SameAgain(first.received_at));

    let other = named(&fixture.campaign, "1", "Otra Persona", "Cali", 70_000);
    let outcome = fixture.insert(&other).await;
    assert_eq!(outcome, InsertOutcome::Conflict);
    assert_eq!(fixture.list(None).await, [first]);
}

pub async fn one_of_fifty_concurrent_inserts_is_new(fixture: &StoreFixture) {
    let one = Arc::new(registration(&fixture.campaign, "1", "Bogotá", 0));
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
            let one = Arc::clone(&one);
            tokio::spawn(async move { fixture::insert(&store, &campaign, &one).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            InsertOutcome::Inserted => new += 1,
            outcome => assert_eq!(outcome, InsertOutcome::SameAgain(one.received_at)),
        }
    }
    assert_eq!(new, 1);
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 1);
}

pub async fn concurrent_different_registrations_are_all_stored(fixture: &StoreFixture) {
    let attempts: Vec<_> = (0..200)
        .map(|number| {
            let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
            let one = registration(&campaign, &format!("{number}"), "Bogotá", 0);
            tokio::spawn(async move { fixture::insert(&store, &campaign, &one).await.unwrap() })
        })
        .collect();
    for attempt in attempts {
        assert_eq!(attempt.await.unwrap(), InsertOutcome::Inserted);
    }
    let ids: BTreeSet<_> = fixture.list(None).await.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 200);
}

pub async fn lists_are_in_the_order_of_arrival(fixture: &StoreFixture) {
    let mut all = Vec::new();
    for (key, value, millisecond) in [
        ("1", "Cali", 5),
        ("2", "Bogotá", 9),
        ("3", "Cali", 2),
        ("4", "Cali", 2),
        ("5", "Ábaco", 1),
        ("6", "Cali", 0),
    ] {
        let one = registration(&fixture.campaign, key, value, millisecond);
        fixture.insert(&one).await;
        all.push(one);
    }
    all.sort_by(|a, b| {
        (&a.tally_value, a.received_at, a.id).cmp(&(&b.tally_value, b.received_at, b.id))
    });
    assert_eq!(fixture.list(None).await, all);
    all.retain(|one| one.tally_value == "Cali");
    assert_eq!(fixture.list(Some("Cali")).await, all);
    assert_eq!(fixture.list(Some("Nunca")).await, []);
}

pub async fn registrations_are_read_back_unchanged(fixture: &StoreFixture) {
    let names = [
        "José Ñandú",
        "O'Brien \"el\" \\ / $where",
        "李",
        "محمد",
        "Наталья",
        "अनिता",
        "👩🏽‍⚕️ Ana",
        "=HYPERLINK(1)",
        "e\u{301}",
        "\u{e9}",
        "$name.with.dots",
        "{\"a\": [1]}",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let millisecond = i64::try_from(number).unwrap();
        let mut one = named(
            &fixture.campaign,
            &format!("{number}"),
            name,
            name,
            millisecond,
        );
        if number % 2 == 0 {
            one.photo = None;
        }
        let outcome = fixture.insert(&one).await;
        assert_eq!(outcome, InsertOutcome::Inserted);
        let found = fixture
            .store
            .registration(&fixture.campaign, one.id)
            .await
            .unwrap();
        assert_eq!(found.as_ref(), Some(&one));
        assert_eq!(fixture.list(Some(name)).await, [one]);
    }
    let stranger = RegistrationId::from_bytes([9; 16]);
    let found = fixture
        .store
        .registration(&fixture.campaign, stranger)
        .await
        .unwrap();
    assert_eq!(found, None);
}

pub async fn a_field_added_or_removed_leaves_the_other_answers(fixture: &StoreFixture) {
    let one = registration(&fixture.campaign, "1", "Bogotá", 0);
    fixture.insert(&one).await;
    let mut changed = (*fixture.campaign).clone();
    changed.fields.remove(1);
    changed.fields.reverse();
    let mut new = changed.fields[0].clone();
    "barrio".clone_into(&mut new.name);
    changed.fields.push(new);
    let found = fixture
        .store
        .registration(&Arc::new(changed), one.id)
        .await
        .unwrap();
    let text = |text: &str| Some(text.to_owned());
    let expected = vec![None, text("Bogotá"), text("Persona 1"), None];
    assert_eq!(found.unwrap().answers, Answers::from_stored(expected));
    let all = fixture
        .store
        .answers(&fixture.campaign.id, one.id)
        .await
        .unwrap();
    let all: Vec<_> = all
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        all,
        [
            ("ciudad", "Bogotá"),
            ("documento", "1"),
            ("nombre", "Persona 1")
        ]
    );
}

pub async fn count_totals_and_list_agree(fixture: &StoreFixture) {
    let stored = fixture.fill(2_500, &["Cali", "Bogotá", "Cali"]).await;
    let snapshot = fixture.snapshot().await;
    let totals: Vec<_> = snapshot.totals.into_iter().collect();
    assert_eq!(
        totals,
        [("Bogotá".to_owned(), 833), ("Cali".to_owned(), 1_667)]
    );
    for (value, total) in totals {
        let count = fixture
            .store
            .count(
                &fixture.campaign.id,
                &RegistrationSelection::for_value(&value),
            )
            .await;
        assert_eq!(count.unwrap(), total);
        let expected: Vec<_> = stored
            .iter()
            .filter(|one| one.tally_value == value)
            .collect();
        assert!(fixture.list(Some(&value)).await.iter().eq(expected));
    }
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 2_500);
    assert_eq!(
        fixture.count(&RegistrationSelection::for_value("")).await,
        0
    );
    assert_eq!(fixture.list(None).await.len(), 2_500);
}

pub async fn a_period_includes_its_start_and_excludes_its_end(fixture: &StoreFixture) {
    let stored = fixture.fill(60, &["Cali", "Leticia"]).await;
    let at = |number: usize| Some(stored[number].received_at);
    for (value, from, until, expected) in [
        (None, at(10), at(20), 10),
        (None, at(10), None, 50),
        (None, None, at(10), 10),
        (Some("Cali"), at(10), at(20), 5),
        (Some("Cali"), at(59), None, 0),
        (Some("Leticia"), at(59), None, 1),
        (None, at(20), at(20), 0),
    ] {
        let selection = RegistrationSelection {
            tally_value: value.map(str::to_owned),
            from,
            until,
        };
        let count = fixture.store.count(&fixture.campaign.id, &selection).await;
        assert_eq!(count.unwrap(), expected, "{selection:?}");
        let listed = fixture.selected(&selection).await;
        assert_eq!(listed.len() as u64, expected, "{selection:?}");
        let fits = |one: &Registration| {
            value.is_none_or(|value| one.tally_value == value)
                && from.is_none_or(|from| one.received_at >= from)
                && until.is_none_or(|until| one.received_at < until)
        };
        assert!(listed.iter().all(fits), "{selection:?}");
        assert!(
            listed.is_sorted_by_key(|one| (one.tally_value.clone(), one.received_at)),
            "{selection:?}"
        );
    }
}

pub async fn a_dropped_list_stops(fixture: &StoreFixture) {
    fixture.fill(4_500, &["Cali"]).await;
    // More lists than may be read at once: each must make room for the next.
    for _ in 0..20 {
        let mut batches = fixture
            .store
            .registrations(&fixture.campaign, &RegistrationSelection::all())
            .await
            .unwrap();
        assert_eq!(batches.next().await.unwrap().unwrap().len(), 1_000);
    }
    assert_eq!(fixture.list(None).await.len(), 4_500);
}

pub async fn receipts_are_found_by_their_number(fixture: &StoreFixture) {
    for one in fixture.fill(20, &["Cali"]).await {
        let receipt = fixture
            .store
            .receipt(one.id.receipt())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(receipt.id, one.id);
        assert_eq!(receipt.campaign, one.campaign);
        assert_eq!(receipt.tally_value, "Cali");
        assert_eq!(receipt.received_at, one.received_at);
    }
    let never = registration(&fixture.campaign, "never", "Cali", 0)
        .id
        .receipt();
    assert_eq!(fixture.store.receipt(never).await.unwrap(), None);
}

pub async fn campaigns_are_separate(fixture: &StoreFixture) {
    let other = campaign("carnaval");
    let mine = registration(&fixture.campaign, "1", "Cali", 0);
    let theirs = registration(&other, "1", "Cali", 0);
    let before = fixture::snapshot(&fixture.store, &other).await.unwrap();
    for (campaign, one) in [(&fixture.campaign, &mine), (&other, &theirs)] {
        assert_eq!(
            fixture::insert(&fixture.store, campaign, one)
                .await
                .unwrap(),
            InsertOutcome::Inserted
        );
    }
    assert_eq!(fixture.list(None).await, [mine]);
    assert_eq!(
        fixture
            .store
            .count(&other.id, &RegistrationSelection::for_value("Cali"))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        fixture::snapshot(&fixture.store, &other)
            .await
            .unwrap()
            .totals["Cali"],
        1
    );
    let found = fixture
        .store
        .registration(&fixture.campaign, theirs.id)
        .await;
    assert_eq!(found.unwrap(), None);
    let mut feed = fixture.store.feed(&before.position).await.unwrap();
    let changes = fixture::drain(&mut feed).await.unwrap();
    let changes = changes.iter().map(|change| &change.campaign);
    assert!(changes.eq([&fixture.campaign.id, &other.id]));
}

pub async fn reopening_preserves_everything(fixture: &StoreFixture) {
    let stored = fixture.fill(10, &["Cali"]).await;
    let before = fixture.snapshot().await;
    let again = fixture.reopen().await;
    again.ping().await.unwrap();
    let after = fixture::snapshot(&again, &fixture.campaign).await.unwrap();
    assert_eq!(after.totals, before.totals);
    assert!(after.position.at >= before.position.at);
    let retry = fixture::insert(&again, &fixture.campaign, &stored[3])
        .await
        .unwrap();
    assert_eq!(retry, InsertOutcome::SameAgain(stored[3].received_at));
}
