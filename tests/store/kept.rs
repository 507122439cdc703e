//! Inserting registrations and reading them back.

use std::collections::BTreeSet;
use std::sync::Arc;

use jornada::domain::{Answers, Registration, RegistrationId, Selection};
use jornada::store::Kept;

use crate::bed::{Bed, campaign, named, registration};

pub async fn the_first_is_inserted_a_retry_is_recognised_a_conflict_is_rejected(bed: &Bed) {
    let first = registration(&bed.campaign, "1", "Bogotá", 0);
    assert_eq!(
        bed.store.keep(&bed.campaign, &first).await.unwrap(),
        Kept::New
    );

    let mut retry = first.clone();
    retry.received_at = registration(&bed.campaign, "1", "Bogotá", 60_000).received_at;
    let outcome = bed.store.keep(&bed.campaign, &retry).await.unwrap();
    assert_eq!(outcome, Kept::Retry(first.received_at));

    let other = named(&bed.campaign, "1", "Otra Persona", "Cali", 70_000);
    let outcome = bed.store.keep(&bed.campaign, &other).await.unwrap();
    assert_eq!(outcome, Kept::Taken);
    assert_eq!(bed.list(None).await, [first]);
}

pub async fn one_of_fifty_concurrent_inserts_is_new(bed: &Bed) {
    let one = Arc::new(registration(&bed.campaign, "1", "Bogotá", 0));
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let (store, campaign) = (bed.store.clone(), Arc::clone(&bed.campaign));
            let one = Arc::clone(&one);
            tokio::spawn(async move { store.keep(&campaign, &one).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Kept::New => new += 1,
            outcome => assert_eq!(outcome, Kept::Retry(one.received_at)),
        }
    }
    assert_eq!(new, 1);
    assert_eq!(
        bed.store
            .count(&bed.campaign.id, &Selection::all())
            .await
            .unwrap(),
        1
    );
}

pub async fn concurrent_different_registrations_are_all_stored(bed: &Bed) {
    let attempts: Vec<_> = (0..200)
        .map(|number| {
            let (store, campaign) = (bed.store.clone(), Arc::clone(&bed.campaign));
            let one = registration(&campaign, &format!("{number}"), "Bogotá", 0);
            tokio::spawn(async move { store.keep(&campaign, &one).await.unwrap() })
        })
        .collect();
    for attempt in attempts {
        assert_eq!(attempt.await.unwrap(), Kept::New);
    }
    let ids: BTreeSet<_> = bed.list(None).await.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 200);
}

pub async fn lists_are_in_the_order_of_arrival(bed: &Bed) {
    let mut all = Vec::new();
    for (key, value, millisecond) in [
        ("1", "Cali", 5),
        ("2", "Bogotá", 9),
        ("3", "Cali", 2),
        ("4", "Cali", 2),
        ("5", "Ábaco", 1),
        ("6", "Cali", 0),
    ] {
        let one = registration(&bed.campaign, key, value, millisecond);
        bed.store.keep(&bed.campaign, &one).await.unwrap();
        all.push(one);
    }
    all.sort_by(|a, b| (&a.value, a.received_at, a.id).cmp(&(&b.value, b.received_at, b.id)));
    assert_eq!(bed.list(None).await, all);
    all.retain(|one| one.value == "Cali");
    assert_eq!(bed.list(Some("Cali")).await, all);
    assert_eq!(bed.list(Some("Nunca")).await, []);
}

pub async fn registrations_are_read_back_unchanged(bed: &Bed) {
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
        let mut one = named(&bed.campaign, &format!("{number}"), name, name, millisecond);
        if number % 2 == 0 {
            one.photo = None;
        }
        let outcome = bed.store.keep(&bed.campaign, &one).await.unwrap();
        assert_eq!(outcome, Kept::New);
        let found = bed.store.registration(&bed.campaign, one.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&one));
        assert_eq!(bed.list(Some(name)).await, [one]);
    }
    let stranger = RegistrationId::from_bytes([9; 16]);
    let found = bed
        .store
        .registration(&bed.campaign, stranger)
        .await
        .unwrap();
    assert_eq!(found, None);
}

pub async fn a_field_added_or_removed_leaves_the_other_answers(bed: &Bed) {
    let one = registration(&bed.campaign, "1", "Bogotá", 0);
    bed.store.keep(&bed.campaign, &one).await.unwrap();
    let mut changed = (*bed.campaign).clone();
    changed.fields.remove(1);
    changed.fields.reverse();
    let mut new = changed.fields[0].clone();
    "barrio".clone_into(&mut new.name);
    changed.fields.push(new);
    let found = bed.store.registration(&changed, one.id).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let expected = vec![None, text("Bogotá"), text("Persona 1"), None];
    assert_eq!(found.unwrap().answers, Answers::from_kept(expected));
    let all = bed.store.answers(&bed.campaign.id, one.id).await.unwrap();
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

pub async fn count_totals_and_list_agree(bed: &Bed) {
    let stored = bed.fill(2_500, &["Cali", "Bogotá", "Cali"]).await;
    let snapshot = bed.store.snapshot(&bed.campaign.id).await.unwrap();
    let totals: Vec<_> = snapshot.totals.into_iter().collect();
    assert_eq!(
        totals,
        [("Bogotá".to_owned(), 833), ("Cali".to_owned(), 1_667)]
    );
    for (value, total) in totals {
        let count = bed
            .store
            .count(&bed.campaign.id, &Selection::of(&value))
            .await;
        assert_eq!(count.unwrap(), total);
        let expected: Vec<_> = stored.iter().filter(|one| one.value == value).collect();
        assert!(bed.list(Some(&value)).await.iter().eq(expected));
    }
    assert_eq!(
        bed.store
            .count(&bed.campaign.id, &Selection::all())
            .await
            .unwrap(),
        2_500
    );
    assert_eq!(
        bed.store
            .count(&bed.campaign.id, &Selection::of(""))
            .await
            .unwrap(),
        0
    );
    assert_eq!(bed.list(None).await.len(), 2_500);
}

pub async fn a_period_includes_its_start_and_excludes_its_end(bed: &Bed) {
    let stored = bed.fill(60, &["Cali", "Leticia"]).await;
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
        let selection = Selection {
            value: value.map(str::to_owned),
            from,
            until,
        };
        let count = bed.store.count(&bed.campaign.id, &selection).await;
        assert_eq!(count.unwrap(), expected, "{selection:?}");
        let listed = bed.selected(&selection).await;
        assert_eq!(listed.len() as u64, expected, "{selection:?}");
        let fits = |one: &Registration| {
            value.is_none_or(|value| one.value == value)
                && from.is_none_or(|from| one.received_at >= from)
                && until.is_none_or(|until| one.received_at < until)
        };
        assert!(listed.iter().all(fits), "{selection:?}");
        assert!(
            listed.is_sorted_by_key(|one| (one.value.clone(), one.received_at)),
            "{selection:?}"
        );
    }
}

pub async fn a_dropped_list_stops(bed: &Bed) {
    bed.fill(4_500, &["Cali"]).await;
    // More lists than may be read at once: each must make room for the next.
    for _ in 0..20 {
        let mut batches = bed
            .store
            .registrations(&bed.campaign, &Selection::all())
            .await
            .unwrap();
        assert_eq!(batches.next().await.unwrap().unwrap().len(), 1_000);
    }
    assert_eq!(bed.list(None).await.len(), 4_500);
}

pub async fn receipts_are_found_by_their_number(bed: &Bed) {
    for one in bed.fill(20, &["Cali"]).await {
        let receipt = bed.store.receipt(one.id.receipt()).await.unwrap().unwrap();
        assert_eq!(receipt.id, one.id);
        assert_eq!(receipt.campaign, one.campaign);
        assert_eq!(receipt.value, "Cali");
        assert_eq!(receipt.received_at, one.received_at);
    }
    let never = registration(&bed.campaign, "never", "Cali", 0).id.receipt();
    assert_eq!(bed.store.receipt(never).await.unwrap(), None);
}

pub async fn campaigns_are_separate(bed: &Bed) {
    let other = campaign("carnaval");
    let mine = registration(&bed.campaign, "1", "Cali", 0);
    let theirs = registration(&other, "1", "Cali", 0);
    let before = bed.store.snapshot(&other.id).await.unwrap();
    for (campaign, one) in [(&bed.campaign, &mine), (&other, &theirs)] {
        assert_eq!(bed.store.keep(campaign, one).await.unwrap(), Kept::New);
    }
    assert_eq!(bed.list(None).await, [mine]);
    assert_eq!(
        bed.store
            .count(&other.id, &Selection::of("Cali"))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        bed.store.snapshot(&other.id).await.unwrap().totals["Cali"],
        1
    );
    let found = bed.store.registration(&bed.campaign, theirs.id).await;
    assert_eq!(found.unwrap(), None);
    let mut feed = bed.store.feed(&other.id, &before.position).await.unwrap();
    assert_eq!(crate::bed::drain(&mut feed).await.unwrap().len(), 1);
}

pub async fn reopening_preserves_everything(bed: &Bed) {
    let stored = bed.fill(10, &["Cali"]).await;
    let before = bed.store.snapshot(&bed.campaign.id).await.unwrap();
    let again = bed.reopen().await;
    again.ping().await.unwrap();
    let after = again.snapshot(&bed.campaign.id).await.unwrap();
    assert_eq!(after.totals, before.totals);
    assert!(after.position.at >= before.position.at);
    let retry = again.keep(&bed.campaign, &stored[3]).await.unwrap();
    assert_eq!(retry, Kept::Retry(stored[3].received_at));
}
