//! Any sequence of inserts, corrections and deletions, with any restarts of the feed's consumer: its totals equal
//! those that the store counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Campaign, RegistrationId, RegistrationSelection};
use jornada_runtime::cache::CacheSetting;
use jornada_service::tally::TallyCache;
use jornada_service::tally::counts::{CountChanges, Projection};
use jornada_service::tally::snapshot_counter::count_campaigns;
use jornada_store::{Feed, FeedChange, FeedPosition, Store, UpdateOutcome};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use uuid::Uuid;

use crate::exactness::{assert_deltas_are_exact, sum_of_deltas};
use crate::fixture::{self, StoreFixture, corrected, deletion, registration};

const PLACES: [&str; 3] = ["Bogotá", "Cali", "Pasto"];
/// So few that most operations meet a registration, an alias or a tombstone.
const KEYS: u16 = 6;

/// One operation.
#[derive(Clone, Debug)]
enum Operation {
    Insert(u16, usize),
    Move(u16, usize),
    Rename(u16, u16),
    Delete(u16),
    /// The consumer takes the available changes.
    Follow,
    /// It continues from the position of its totals.
    Restart,
    /// It counts its totals again.
    Rebuild,
}

fn operation() -> impl Strategy<Value = Operation> {
    let (key, place) = (0..KEYS, 0..PLACES.len());
    prop_oneof![
        4 => (key.clone(), place.clone()).prop_map(|(key, place)| Operation::Insert(key, place)),
        4 => (key.clone(), place).prop_map(|(key, place)| Operation::Move(key, place)),
        2 => (key.clone(), key.clone()).prop_map(|(key, to)| Operation::Rename(key, to)),
        2 => key.prop_map(Operation::Delete),
        2 => Just(Operation::Follow),
        1 => Just(Operation::Restart),
        1 => Just(Operation::Rebuild),
    ]
}

fn id(campaign: &Campaign, key: &str) -> RegistrationId {
    RegistrationId::derive(&[1; 32], &campaign.id, &UniqueKey::Answer(key.to_owned()))
}

fn document(key: u16) -> String {
    (1000 + key).to_string()
}

/// Updates the registration of a key, if it exists.
async fn update(
    store: &Store,
    campaign: &Arc<Campaign>,
    operation: &Operation,
) -> Option<UpdateOutcome> {
    let (Operation::Move(key, _) | Operation::Rename(key, _) | Operation::Delete(key)) = operation
    else {
        return None;
    };
    let id_of = |key: u16| id(campaign, &document(key));
    let read = store.history(campaign, id_of(*key)).await.unwrap()?;
    let (parts, claim) = match operation {
        Operation::Delete(_) => {
            let deleted = store.delete(campaign, &read, &deletion(&read)).await;
            return Some(deleted.unwrap());
        }
        Operation::Rename(_, to) => (("documento", document(*to)), Some(id_of(*to))),
        Operation::Move(_, place) => (("ciudad", PLACES[*place].to_owned()), None),
        _ => return None,
    };
    let place = campaign
        .fields
        .iter()
        .position(|field| field.name == parts.0)?;
    if read.registration.answers.get(place) == Some(&parts.1) {
        return None;
    }
    let better = corrected(campaign, &read, &[(parts.0, &parts.1)]);
    let claim = claim.filter(|claim| *claim != read.registration.id);
    Some(
        store
            .correct(campaign, &read, &better, claim)
            .await
            .unwrap(),
    )
}

struct Consumer {
    store: Store,
    campaign: Arc<Campaign>,
    cache: TallyCache,
    feed: Feed,
    position: FeedPosition,
}

impl Consumer {
    async fn start(store: &Store, campaign: &Arc<Campaign>) -> Self {
        let cache = TallyCache::open(&CacheSetting::Memory, Uuid::nil(), "one").unwrap();
        let counted = count_campaigns(store, vec![Arc::clone(campaign)]).await;
        let (counts, position) = counted.unwrap();
        let replaced = cache.replace(None, &position, &counts, Timestamp::now());
        assert!(replaced.await.unwrap());
        Self {
            feed: store.feed(&position).await.unwrap(),
            store: store.clone(),
            campaign: Arc::clone(campaign),
            cache,
            position,
        }
    }

    /// Takes all available changes. The consumer may die after any batch.
    async fn catch_up(&mut self) {
        loop {
            let batch = self.feed.next(Duration::ZERO).await.unwrap();
            let mut changes = CountChanges::default();
            for FeedChange { delta, .. } in &batch.changes {
                if delta.campaign == self.campaign.id {
                    let projection = Projection::new(&self.campaign, &delta.fields).unwrap();
                    for (answers, difference) in &delta.counts {
                        changes.add(&projection, answers, *difference);
                    }
                }
            }
            let added = self.cache.add(&self.position, &batch.position, &changes);
            assert!(added.await.unwrap());
            self.position = batch.position;
            if batch.changes.is_empty() {
                return;
            }
        }
    }

    async fn restart(&mut self) {
        self.position = self.cache.state().await.unwrap().unwrap().position;
        self.feed = self.store.feed(&self.position).await.unwrap();
    }

    async fn rebuild(&mut self) {
        *self = Self::start(&self.store, &self.campaign).await;
    }

    async fn totals(&self) -> BTreeMap<String, u64> {
        let counts = self.cache.counts(&self.campaign).await.unwrap();
        let counts = counts.into_values().flat_map(|tally| tally.counts);
        counts.map(|(key, count)| (key.concat(), count)).collect()
    }
}

async fn run(
    fixture: &StoreFixture,
    campaign: &Arc<Campaign>,
    operations: &[Operation],
) -> Result<(), TestCaseError> {
    let store = &fixture.store;
    let mut consumer = Consumer::start(store, campaign).await;
    for operation in operations {
        match operation {
            Operation::Insert(key, place) => {
                let one = registration(campaign, &document(*key), PLACES[*place], 0);
                fixture::insert(store, campaign, &one).await.unwrap();
            }
            Operation::Follow => consumer.catch_up().await,
            Operation::Restart => consumer.restart().await,
            Operation::Rebuild => consumer.rebuild().await,
            other => drop(update(store, campaign, other).await),
        }
    }
    consumer.catch_up().await;
    let truth = fixture::snapshot(store, campaign).await.unwrap().totals;
    prop_assert_eq!(consumer.totals().await, truth.clone());
    let count = store
        .count(&campaign.id, &RegistrationSelection::all())
        .await
        .unwrap();
    prop_assert_eq!(truth.values().sum::<u64>(), count);
    let by_place = sum_of_deltas(fixture, &campaign.id).await.into_iter();
    let by_place = by_place.map(|(answers, count)| (answers.concat(), count.unsigned_abs()));
    prop_assert_eq!(by_place.collect::<BTreeMap<_, _>>(), truth);
    Ok(())
}

pub async fn totals_are_exact_after_any_sequence_of_operations(fixture: &StoreFixture) {
    let config = Config {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let operations = proptest::collection::vec(operation(), 1..40);
    let case = std::sync::atomic::AtomicU32::new(0);
    let ran = block_in_place(|| {
        TestRunner::new(config).run(&operations, |operations| {
            // Each has a campaign of its own.
            let case = case.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let campaign = fixture::campaign(&format!("caso-{case}"));
            Handle::current().block_on(run(fixture, &campaign, &operations))
        })
    });
    ran.unwrap();
}

pub async fn totals_are_exact_under_concurrent_updates(fixture: &StoreFixture) {
    let mut consumer = Consumer::start(&fixture.store, &fixture.campaign).await;
    let clerks: Vec<_> = (0..6_u16)
        .map(|clerk| {
            let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
            tokio::spawn(async move {
                for turn in 0..30_u16 {
                    let (key, place) = ((turn * 7 + clerk) % 40, usize::from(turn + clerk) % 3);
                    let one = registration(&campaign, &document(key), PLACES[place], 0);
                    fixture::insert(&store, &campaign, &one).await.unwrap();
                    let operation = match turn % 5 {
                        0 => Operation::Delete(key),
                        1 => Operation::Rename(key, 40 + turn),
                        _ => Operation::Move(key, (place + 1) % 3),
                    };
                    update(&store, &campaign, &operation).await;
                }
            })
        })
        .collect();
    while !clerks.iter().all(tokio::task::JoinHandle::is_finished) {
        consumer.catch_up().await;
        consumer.restart().await;
    }
    for clerk in clerks {
        clerk.await.unwrap();
    }
    consumer.catch_up().await;
    let truth = fixture.snapshot().await.totals;
    assert_eq!(consumer.totals().await, truth);
    assert_deltas_are_exact(fixture).await;
    assert!(fixture.store.revision(&fixture.campaign.id).await.unwrap() > 30);
}
