//! The batcher on both stores: what waits is one batch, within bounds, and nothing is lost or passed over.

use std::time::Duration;

use jornada_domain::{Registration, RegistrationSelection};
use jornada_runtime::metrics::text;
use jornada_service::batcher::metrics::BatchMetricsByKind;
use jornada_service::batcher::{BatchError, Batcher, MAX_WAITING_REGISTRATIONS};
use jornada_store::{InsertOutcome, NewRegistration, Store, StoreSetting};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Document, doc};
use prometheus::Registry;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::exactness::assert_deltas_are_exact;
use crate::fixture::{StoreFixture, record, registration};

struct MeasuredBatcher {
    batcher: Batcher<NewRegistration>,
    registry: Registry,
}

impl MeasuredBatcher {
    fn new(store: &Store) -> Self {
        let registry = Registry::new();
        let metrics = BatchMetricsByKind::new(&registry).unwrap();
        Self {
            batcher: Batcher::new(
                store.clone(),
                metrics.of_registrations(),
                MAX_WAITING_REGISTRATIONS,
            ),
            registry,
        }
    }

    fn insert(
        &self,
        fixture: &StoreFixture,
        one: &Registration,
    ) -> JoinHandle<Result<InsertOutcome, BatchError>> {
        let (batcher, record) = (self.batcher.clone(), record(&fixture.campaign, one));
        tokio::spawn(async move { batcher.insert(record).await })
    }

    fn has_metric(&self, name: &str, value: usize) -> bool {
        let line = format!("jornada_insert_{name}{{kind=\"registration\"}} {value}\n");
        text(&self.registry).contains(&line)
    }

    async fn wait_until_waiting(&self, count: usize) {
        let start = Instant::now();
        while !self.has_metric("waiting_records", count) {
            assert!(start.elapsed() < Duration::from_secs(10));
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Starts inserts of blocked registrations until as many batches are in flight as may be.
    async fn occupy(
        &self,
        fixture: &StoreFixture,
        blocked: &[Registration],
    ) -> Vec<JoinHandle<Result<InsertOutcome, BatchError>>> {
        let mut inserts = Vec::new();
        for one in blocked {
            inserts.push(self.insert(fixture, one));
            sleep(Duration::from_millis(20)).await;
            self.wait_until_waiting(0).await;
        }
        inserts
    }
}

/// Makes inserts of some registrations wait, for less than 5 s.
enum Hold {
    /// All of them wait for the write lock.
    Sqlite(rusqlite::Connection),
    /// Those with the same ids conflict with an open transaction.
    Mongo(Box<mongodb::ClientSession>),
}

impl Hold {
    async fn start(fixture: &StoreFixture, blocked: &[Registration]) -> Self {
        if let StoreSetting::Sqlite(path) = &fixture.setting {
            let file = rusqlite::Connection::open(path).unwrap();
            file.execute_batch("BEGIN IMMEDIATE").unwrap();
            return Self::Sqlite(file);
        }
        let database = fixture.database().await;
        let mut session = database.client().start_session().await.unwrap();
        session.start_transaction().await.unwrap();
        let all = database.collection::<Document>("registrations");
        for one in blocked {
            let id = Binary {
                subtype: BinarySubtype::Generic,
                bytes: one.id.as_bytes().to_vec(),
            };
            let insert = all.insert_one(doc! { "_id": id }).session(&mut session);
            insert.await.unwrap();
        }
        Self::Mongo(Box::new(session))
    }

    async fn end(self) {
        match self {
            Self::Sqlite(file) => file.execute_batch("ROLLBACK").unwrap(),
            Self::Mongo(mut session) => session.abort_transaction().await.unwrap_or_default(),
        }
    }
}

fn several(fixture: &StoreFixture, numbers: std::ops::Range<usize>) -> Vec<Registration> {
    numbers
        .map(|number| registration(&fixture.campaign, &number.to_string(), "Cali", 0))
        .collect()
}

pub async fn what_waits_is_one_batch(fixture: &StoreFixture) {
    let batcher = MeasuredBatcher::new(&fixture.store);
    let blocked = several(fixture, 0..2);
    let hold = Hold::start(fixture, &blocked).await;
    let mut inserts = batcher.occupy(fixture, &blocked).await;
    let others = several(fixture, 2..52);
    inserts.extend(others.iter().map(|one| batcher.insert(fixture, one)));
    batcher.wait_until_waiting(50).await;
    hold.end().await;
    for insert in inserts {
        assert_eq!(insert.await.unwrap().unwrap(), InsertOutcome::Inserted);
    }
    assert!(batcher.has_metric("batch_records_count", 3));
    assert!(batcher.has_metric("batch_records_sum", 52));
    assert!(batcher.has_metric("batch_duration_seconds_count", 3));
    assert_deltas_are_exact(fixture).await;
}

pub async fn registrations_beyond_the_bound_are_rejected(fixture: &StoreFixture) {
    let batcher = MeasuredBatcher::new(&fixture.store);
    let all = several(fixture, 0..MAX_WAITING_REGISTRATIONS + 3);
    let (blocked, others) = all.split_at(2);
    let (last, waiting) = others.split_last().unwrap();
    let hold = Hold::start(fixture, blocked).await;
    let mut inserts = batcher.occupy(fixture, blocked).await;
    inserts.extend(waiting.iter().map(|one| batcher.insert(fixture, one)));
    batcher.wait_until_waiting(MAX_WAITING_REGISTRATIONS).await;
    let rejected = batcher.insert(fixture, last).await.unwrap();
    assert!(matches!(rejected, Err(BatchError::Busy)));
    assert!(batcher.has_metric("rejected_total", 1));
    hold.end().await;
    for insert in inserts {
        assert_eq!(insert.await.unwrap().unwrap(), InsertOutcome::Inserted);
    }
    let outcome = batcher.insert(fixture, last).await.unwrap();
    assert_eq!(outcome.unwrap(), InsertOutcome::Inserted);
    let count = fixture.count(&RegistrationSelection::all()).await;
    assert_eq!(count, all.len() as u64);
    assert_deltas_are_exact(fixture).await;
}

pub async fn a_caller_that_stops_waiting_stops_nothing(fixture: &StoreFixture) {
    let batcher = MeasuredBatcher::new(&fixture.store);
    let all = several(fixture, 0..3);
    let hold = Hold::start(fixture, &all[..2]).await;
    let inserts = batcher.occupy(fixture, &all[..2]).await;
    let waiting = batcher.insert(fixture, &all[2]);
    batcher.wait_until_waiting(1).await;
    for insert in inserts.iter().chain([&waiting]) {
        insert.abort();
    }
    assert!(waiting.await.unwrap_err().is_cancelled());
    hold.end().await;
    batcher.batcher.drain().await;
    assert_eq!(fixture.count(&RegistrationSelection::all()).await, 3);
    // After that it still takes registrations.
    let retry = batcher.insert(fixture, &all[2]).await.unwrap().unwrap();
    assert_eq!(retry, InsertOutcome::SameAgain(all[2].received_at));
    assert_deltas_are_exact(fixture).await;
}

pub async fn two_instances_insert_each_id_once(fixture: &StoreFixture) {
    let other = fixture.reopen().await;
    let batchers = [&fixture.store, &other].map(MeasuredBatcher::new);
    let all = several(fixture, 0..20);
    let inserts: Vec<_> = (0..400)
        .map(|number| {
            let batcher = &batchers[number % 2];
            (number % 20, batcher.insert(fixture, &all[number % 20]))
        })
        .collect();
    let mut inserted = Vec::new();
    for (number, insert) in inserts {
        match insert.await.unwrap().unwrap() {
            InsertOutcome::Inserted => inserted.push(number),
            outcome => assert_eq!(outcome, InsertOutcome::SameAgain(all[number].received_at)),
        }
    }
    inserted.sort_unstable();
    assert_eq!(inserted, (0..20).collect::<Vec<_>>());
    assert_deltas_are_exact(fixture).await;
}
