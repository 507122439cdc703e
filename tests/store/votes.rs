//! Votes on both stores: inserted once, counted, read page by page, erased as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jornada_domain::{Answers, Campaign, Door, RegistrationId, Vote};
use jornada_store::{InsertOutcome, NewVote, Store};

use crate::exactness::sum_of_deltas;
use crate::fixture::{StoreFixture, registration};

const CAMPAIGN: &str = r#"
id = "urna"
kind = "vote"
opens_at = 2026-11-01T06:00:00-05:00
closes_at = 2026-11-30T18:00:00-05:00
time_zone = "America/Bogota"
title = { es = "Urna", en = "Ballot box" }
[[fields]]
name = "lugar"
kind = "place"
label = { es = "Lugar", en = "Place" }
required = true
tally = true
[[fields]]
name = "mesa"
kind = "integer"
range = [1, 9]
label = { es = "Mesa", en = "Table" }
"#;

pub fn campaign() -> Arc<Campaign> {
    Arc::new(Campaign::parse(CAMPAIGN, |_| Err(String::new())).unwrap())
}

fn vote(key: &str, place: &str, table: Option<&str>) -> Vote {
    let campaign = campaign();
    Vote {
        id: RegistrationId::derive_for_vote(&[7; 32], &campaign.id, key),
        campaign: campaign.id.clone(),
        answers: Answers::from_stored(vec![Some(place.to_owned()), table.map(str::to_owned)]),
        received_at: Timestamp::from_millisecond(1_795_000_000_123).unwrap(),
        door: Door::Grpc,
        instance: Some("app1".into()),
    }
}

async fn insert(store: &Store, votes: &[Vote]) -> Vec<InsertOutcome> {
    let record = |vote: &Vote| NewVote {
        campaign: campaign(),
        vote: vote.clone(),
        queue_place: None,
    };
    let outcomes = store.insert(votes.iter().map(record).collect()).await;
    outcomes.into_iter().map(Result::unwrap).collect()
}

/// Returns the counts by place and table in the store, and by the sum of all deltas, which must agree.
async fn counts(fixture: &StoreFixture) -> BTreeMap<(String, String), i64> {
    let campaign = campaign();
    let counted = vec![(Arc::clone(&campaign), Vec::new())];
    let (mut counted, _) = fixture.store.snapshot(counted).await.unwrap();
    let stored: BTreeMap<_, _> = counted.remove(0).into_iter().collect();
    let deltas = sum_of_deltas(fixture, &campaign.id).await;
    let stored_by_place = stored
        .iter()
        .map(|(key, count)| (key.clone(), i64::try_from(*count).unwrap()));
    assert_eq!(stored_by_place.collect::<BTreeMap<_, _>>(), deltas);
    deltas
        .into_iter()
        .map(|(mut key, count)| ((key.remove(0), key.pop().unwrap_or_default()), count))
        .collect()
}

pub async fn a_vote_is_inserted_once(fixture: &StoreFixture) {
    let (first, second) = (vote("a", "Cali", Some("1")), vote("b", "Pasto", None));
    let other = vote("a", "Cali", Some("2"));
    let batch = [first.clone(), second.clone(), first.clone(), other.clone()];
    let again = InsertOutcome::SameAgain(first.received_at);
    let outcomes = insert(&fixture.store, &batch).await;
    let expected = [
        InsertOutcome::Inserted,
        InsertOutcome::Inserted,
        again.clone(),
        InsertOutcome::Conflict,
    ];
    assert_eq!(outcomes, expected);
    let outcomes = insert(
        &fixture.reopen().await,
        &[other, vote("c", "Cali", None), first],
    )
    .await;
    assert_eq!(
        outcomes,
        [InsertOutcome::Conflict, InsertOutcome::Inserted, again]
    );
    let counts: Vec<_> = counts(fixture).await.into_iter().collect();
    let places: Vec<_> = counts
        .iter()
        .map(|((place, _), count)| (&**place, *count))
        .collect();
    assert_eq!(places, [("Cali", 2), ("Pasto", 1)]);
}

pub async fn instances_insert_each_vote_once(fixture: &StoreFixture) {
    let votes: Vec<_> = (0..300)
        .map(|number| vote(&number.to_string(), "Cali", Some("1")))
        .collect();
    let mut stores = tokio::task::JoinSet::new();
    for offset in 0..4 {
        let (store, mut votes) = (fixture.reopen().await, votes.clone());
        votes.rotate_left(offset * 70);
        stores.spawn(async move {
            let mut inserted = 0;
            for batch in votes.chunks(50) {
                let outcomes = insert(&store, batch).await;
                inserted += outcomes
                    .iter()
                    .filter(|one| **one == InsertOutcome::Inserted)
                    .count();
            }
            inserted
        });
    }
    let inserted: usize = stores.join_all().await.iter().sum();
    assert_eq!(inserted, votes.len());
    assert_eq!(counts(fixture).await.values().sum::<i64>(), 300);
}

pub async fn votes_are_read_page_by_page_and_by_number(fixture: &StoreFixture) {
    fixture
        .insert(&registration(&fixture.campaign, "1", "Cali", 0))
        .await;
    let mut votes: Vec<_> = (0..25)
        .map(|number| vote(&number.to_string(), "Cali", None))
        .collect();
    insert(&fixture.store, &votes).await;
    votes.sort_unstable_by_key(|vote| vote.id);
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = fixture
            .store
            .votes_after(&campaign(), after, 10)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        read.extend(page);
    }
    assert_eq!(read, votes);
    let found = fixture
        .store
        .vote(votes[3].id.receipt())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.id, found.campaign),
        (votes[3].id, campaign().id.clone())
    );
    assert_eq!(
        found.answers,
        [("lugar".to_owned(), "Cali".to_owned())].into()
    );
    assert_eq!(found.received_at, votes[3].received_at);
    let unknown = vote("unknown", "Cali", None).id.receipt();
    assert_eq!(fixture.store.vote(unknown).await.unwrap(), None);
    assert_eq!(
        fixture.store.receipt(votes[3].id.receipt()).await.unwrap(),
        None
    );
}

pub async fn erased_votes_are_no_longer_counted(fixture: &StoreFixture) {
    let votes: Vec<_> = (0..10)
        .map(|number| vote(&number.to_string(), "Cali", None))
        .collect();
    insert(&fixture.store, &votes).await;
    let store = &fixture.store;
    assert_eq!(
        store
            .erase_votes(&campaign(), votes[..4].to_vec())
            .await
            .unwrap(),
        4
    );
    // Some of them are gone already.
    assert_eq!(
        store
            .erase_votes(&campaign(), votes[..6].to_vec())
            .await
            .unwrap(),
        2
    );
    assert_eq!(counts(fixture).await.values().sum::<i64>(), 4);
    assert_eq!(
        store
            .votes_after(&campaign(), None, 100)
            .await
            .unwrap()
            .len(),
        4
    );
    assert_eq!(insert(store, &votes[..1]).await, [InsertOutcome::Inserted]);
}
