//! Cost of inserting registrations one by one and in batches, on the test servers: `cargo bench --bench batches`. Prints
//! medians of three rounds, asserts nothing. The sizes of batches are given, or chosen by the batcher.
#![expect(clippy::unwrap_used, reason = "a failed measurement may panic")]

#[path = "../tests/store/fixture.rs"]
#[expect(dead_code, reason = "the cases of the contract use all of it")]
mod fixture;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fixture::{StoreFixture, record, registration};
use jornada_service::batcher::metrics::BatchMetricsByKind;
use jornada_service::batcher::{Batcher, MAX_WAITING_REGISTRATIONS};
use jornada_store::{InsertOutcome, NewRegistration, StoreSetting};
use mongodb::Collection;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Document, RawDocumentBuf, doc};
use mongodb::options::{Acknowledgment, CollectionOptions, WriteConcern};

const ROUNDS: usize = 3;
/// Records of one measurement, for batches of up to 4 and of more.
const FEW: usize = 4_000;
const MANY: usize = 24_000;
const ALONE: usize = 500;
const CLIENTS: usize = 32;

/// Key of the next registration.
static NEXT: AtomicUsize = AtomicUsize::new(0);

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for (name, fixture) in [
        ("sqlite", StoreFixture::sqlite().await),
        ("mongodb", StoreFixture::mongodb().await),
    ] {
        let server = server_process(&fixture).await;
        let bench = Bench {
            name,
            fixture,
            server,
        };
        bench
            .store_records(registrations(&bench.fixture, 1_000), 100, 2)
            .await;
        bench.measure_alone().await;
        if bench.server.is_some() {
            bench.measure_driver().await;
        }
        for size in [1, 2, 4, 8, 32, 1_000] {
            for in_flight in [1, 2, 4] {
                let what = format!("batches of {size}, {in_flight} at once");
                let count = if size <= 4 { FEW } else { MANY };
                bench
                    .measure(&what, count, async |all| {
                        bench.store_records(all, size, in_flight).await;
                    })
                    .await;
            }
        }
        for clients in [1, CLIENTS, 256] {
            let what = format!("batcher, {clients} clients");
            let count = if clients == 1 { FEW / 4 } else { MANY };
            bench
                .measure(&what, count, async |all| bench.submit(all, clients).await)
                .await;
        }
        bench.fixture.remove().await;
    }
}

struct Bench {
    name: &'static str,
    fixture: StoreFixture,
    /// Process of the server, if there is one.
    server: Option<i64>,
}

/// Returns registrations with new ids.
fn registrations(fixture: &StoreFixture, count: usize) -> Vec<NewRegistration> {
    let campaign = &fixture.campaign;
    (0..count)
        .map(|_| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let city = format!("Ciudad {}", number % 100);
            record(
                campaign,
                &registration(campaign, &number.to_string(), &city, 0),
            )
        })
        .collect()
}

impl Bench {
    async fn store_records(&self, all: Vec<NewRegistration>, size: usize, in_flight: usize) {
        let batches: Vec<_> = all.chunks(size).map(<[_]>::to_vec).collect();
        let queue = Arc::new(parking_lot::Mutex::new(batches));
        run_at_once(in_flight, |_| {
            let (store, queue) = (self.fixture.store.clone(), Arc::clone(&queue));
            async move {
                loop {
                    let Some(batch) = queue.lock().pop() else {
                        break;
                    };
                    for outcome in store.insert(batch).await {
                        assert_eq!(outcome.unwrap(), InsertOutcome::Inserted);
                    }
                }
            }
        })
        .await;
    }

    fn batcher(&self) -> Batcher<NewRegistration> {
        let metrics = BatchMetricsByKind::new(&prometheus::Registry::new()).unwrap();
        Batcher::new(
            self.fixture.store.clone(),
            metrics.of_registrations(),
            MAX_WAITING_REGISTRATIONS,
        )
    }

    /// Inserts as requests do: each client one after the other.
    async fn submit(&self, all: Vec<NewRegistration>, clients: usize) {
        let batcher = self.batcher();
        let queue = Arc::new(parking_lot::Mutex::new(all));
        run_at_once(clients, |_| {
            let (batcher, queue) = (batcher.clone(), Arc::clone(&queue));
            async move {
                loop {
                    let Some(record) = queue.lock().pop() else {
                        break;
                    };
                    assert_eq!(
                        batcher.insert(record).await.unwrap(),
                        InsertOutcome::Inserted
                    );
                }
            }
        })
        .await;
    }

    async fn measure(&self, what: &str, count: usize, insert: impl AsyncFn(Vec<NewRegistration>)) {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let all = registrations(&self.fixture, count);
            rounds.push(self.time(count, insert(all)).await);
        }
        self.print(what, &rounds);
    }

    /// Returns records per second, and processor milliseconds per 1,000 of this process and of the server.
    async fn time(&self, count: usize, work: impl Future<Output = ()>) -> [f64; 3] {
        let server = || self.server.map_or(0.0, |pid| cpu_ms(&pid.to_string()));
        let (start, own, servers) = (Instant::now(), cpu_ms("self"), server());
        work.await;
        let count = f64::from(u32::try_from(count).unwrap());
        let per_thousand = |ms: f64| ms / count * 1_000.0;
        [
            count / start.elapsed().as_secs_f64(),
            per_thousand(cpu_ms("self") - own),
            per_thousand(server() - servers),
        ]
    }

    fn print(&self, what: &str, rounds: &[[f64; 3]]) {
        let middle = |index: usize| {
            let mut values: Vec<_> = rounds.iter().map(|round| round[index]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "{:8} {what:28} {:8.0} records/s, CPU-ms per 1,000: own {:5.0}, server {:5.0}",
            self.name,
            middle(0),
            middle(1),
            middle(2)
        );
    }

    /// Latency of one registration after the other, as a batch and by the driver's `insert_one`, in turn.
    async fn measure_alone(&self) {
        let documents = self.raw_documents(ALONE).await;
        let collection = self.collection().await;
        let mut times = [Vec::new(), Vec::new()];
        let batcher = self.batcher();
        let mut queued = Vec::new();
        for (number, one) in registrations(&self.fixture, ALONE).into_iter().enumerate() {
            let start = Instant::now();
            self.fixture
                .store
                .insert(vec![one])
                .await
                .pop()
                .unwrap()
                .unwrap();
            times[0].push(start.elapsed());
            if let Some(collection) = &collection {
                let start = Instant::now();
                collection.insert_one(&documents[number]).await.unwrap();
                times[1].push(start.elapsed());
            }
            let one = registrations(&self.fixture, 1).pop().unwrap();
            let start = Instant::now();
            batcher.insert(one).await.unwrap();
            queued.push(start.elapsed());
        }
        let [transaction, single] = times;
        self.print_latency("alone, batch of 1", transaction);
        self.print_latency("alone, batcher", queued);
        self.print_latency("alone, insert_one", single);
    }

    fn print_latency(&self, what: &str, mut times: Vec<Duration>) {
        times.sort_unstable();
        if let (Some(middle), Some(late)) = (
            times.get(times.len() / 2),
            times.get(times.len() * 99 / 100),
        ) {
            println!("{:8} {what:28} p50 {middle:.2?}, p99 {late:.2?}", self.name);
        }
    }

    /// The same documents by the driver's `insert_one`, without deltas.
    async fn measure_driver(&self) {
        for clients in [1, CLIENTS] {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                let queue = self.raw_documents(FEW).await;
                let queue = Arc::new(parking_lot::Mutex::new(queue));
                let collection = self.collection().await.unwrap();
                let work = run_at_once(clients, |_| {
                    let (queue, collection) = (Arc::clone(&queue), collection.clone());
                    async move {
                        loop {
                            let Some(one) = queue.lock().pop() else { break };
                            collection.insert_one(&one).await.unwrap();
                        }
                    }
                });
                rounds.push(self.time(FEW, work).await);
            }
            self.print(&format!("insert_one, {clients} at once"), &rounds);
        }
    }

    /// The collection of registrations, written as durably as the store does.
    async fn collection(&self) -> Option<Collection<RawDocumentBuf>> {
        self.server?;
        let concern = WriteConcern::builder()
            .w(Acknowledgment::Majority)
            .journal(true);
        let options = CollectionOptions::builder()
            .write_concern(concern.build())
            .build();
        let database = self.fixture.database().await;
        Some(database.collection_with_options("registrations", options))
    }

    /// Returns copies of a stored document with new ids.
    async fn raw_documents(&self, count: usize) -> Vec<RawDocumentBuf> {
        if self.server.is_none() {
            return Vec::new();
        }
        let all = self.fixture.database().await;
        let all = all.collection::<Document>("registrations");
        let mut template = all.find_one(doc! {}).await.unwrap().unwrap();
        (0..count)
            .map(|number| {
                let bytes = uuid::Uuid::new_v4().as_bytes().to_vec();
                let subtype = BinarySubtype::Generic;
                template.insert("_id", Binary { subtype, bytes });
                template.insert("value", format!("Ciudad {}", number % 100));
                RawDocumentBuf::try_from(&template).unwrap()
            })
            .collect()
    }
}

async fn run_at_once<F: Future<Output = ()> + Send + 'static>(
    count: usize,
    work: impl Fn(usize) -> F,
) {
    let tasks: Vec<_> = (0..count)
        .map(|number| tokio::spawn(work(number)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn server_process(fixture: &StoreFixture) -> Option<i64> {
    if matches!(fixture.setting, StoreSetting::Sqlite(_)) {
        return None;
    }
    let database = fixture.database().await;
    let status = database.run_command(doc! { "serverStatus": 1 });
    status.await.unwrap().get_i64("pid").ok()
}

/// Returns the processor time of a process so far. Linux counts it in hundredths of a second.
fn cpu_ms(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap() * 10.0)
        .sum()
}
