//! Time to insert, read and count a million registrations on the test servers: `cargo bench --bench store`. Prints
//! figures, asserts nothing. Reading in the order of values is random access: if the cache of mongod is smaller than
//! the data (0.5 GiB), this measures its disk.
#![expect(clippy::unwrap_used, reason = "a failed measurement may panic")]

#[path = "../tests/store/fixture.rs"]
#[expect(dead_code, reason = "the cases of the contract use all of it")]
mod fixture;

use std::sync::Arc;
use std::time::Instant;

use fixture::{StoreFixture, registration};
use futures_util::StreamExt;
use jornada_domain::RegistrationSelection;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, Document, RawDocumentBuf, doc};

const MILLION: usize = 1_000_000;
const WRITES: usize = 10_000;
const WRITERS: usize = 32;

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
        measure_writes(name, &fixture).await;
        if name == "mongodb" {
            multiply(&fixture).await;
            measure_driver(&fixture).await;
        }
        measure_reads(name, &fixture).await;
        fixture.remove().await;
    }
}

fn print_rate(name: &str, what: &str, rows: u64, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!("{name:8} {what:32} {rows:9} rows {seconds:7.3} s");
}

async fn measure_writes(name: &str, fixture: &StoreFixture) {
    let since = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, campaign) = (fixture.store.clone(), Arc::clone(&fixture.campaign));
            tokio::spawn(async move {
                for number in (writer..WRITES).step_by(WRITERS) {
                    let city = format!("Ciudad {}", number % 100);
                    let one = registration(&campaign, &number.to_string(), &city, 0);
                    fixture::insert(&store, &campaign, &one).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    print_rate(name, "kept by 32 at once", WRITES as u64, since);
}

/// Inserts copies of one registration with different ids, cities and times, up to a million.
async fn multiply(fixture: &StoreFixture) {
    let all = fixture
        .database()
        .await
        .collection::<Document>("registrations");
    let template = all.find_one(doc! {}).await.unwrap().unwrap();
    let numbers: Vec<_> = (WRITES..MILLION).collect();
    for chunk in numbers.chunks(10_000) {
        let copies = chunk.iter().map(|number| {
            let mut copy = template.clone();
            let city = format!("Ciudad {}", number % 100);
            copy.insert(
                "_id",
                Binary {
                    subtype: BinarySubtype::Generic,
                    bytes: uuid::Uuid::new_v4().as_bytes().to_vec(),
                },
            );
            copy.insert("value", &city);
            let answers = copy.get_document_mut("answers").unwrap();
            answers.insert("nombre", format!("Persona {number}"));
            answers.insert("documento", number.to_string());
            answers.insert("ciudad", city);
            let millisecond = 1_795_000_000_000 + i64::try_from(*number).unwrap();
            copy.insert("received_at", DateTime::from_millis(millisecond));
            copy
        });
        all.insert_many(copies).await.unwrap();
    }
}

/// Measures the driver alone: the same documents in the same order, not decoded.
async fn measure_driver(fixture: &StoreFixture) {
    let all = fixture.database().await;
    let all = all.collection::<RawDocumentBuf>("registrations");
    for size in [1_000, 10_000] {
        for (what, order) in [
            (
                "driver alone, in order",
                doc! { "campaign": 1, "value": 1, "received_at": 1, "_id": 1 },
            ),
            ("driver alone, as they lie", doc! { "$natural": 1 }),
        ] {
            let since = Instant::now();
            let find = all
                .find(doc! { "campaign": "vacunacion" })
                .hint(mongodb::options::Hint::Keys(order));
            let mut batches = find.batch_size(size).batch().await.unwrap();
            let mut bytes = 0;
            while let Some(batch) = batches.next().await {
                bytes += batch.unwrap().as_raw_document().as_bytes().len();
            }
            print_rate("mongodb", what, MILLION as u64, since);
            println!("{:8} in batches of {size}, {} MiB", "", bytes >> 20);
        }
    }
}

async fn measure_reads(name: &str, fixture: &StoreFixture) {
    let id = &fixture.campaign.id;
    let since = Instant::now();
    let count = fixture
        .store
        .count(id, &RegistrationSelection::all())
        .await
        .unwrap();
    print_rate(name, "counted", count, since);
    let since = Instant::now();
    let totals = fixture.snapshot().await.totals;
    print_rate(name, "totals", totals.values().sum(), since);
    for value in [None, None, Some("Ciudad 7")] {
        let selection =
            value.map_or_else(RegistrationSelection::all, RegistrationSelection::for_value);
        let since = Instant::now();
        let mut batches = fixture
            .store
            .registrations(&fixture.campaign, &selection)
            .await
            .unwrap();
        let mut rows = 0;
        while let Some(batch) = batches.next().await.unwrap() {
            rows += batch.len() as u64;
        }
        print_rate(name, value.unwrap_or("listed, all"), rows, since);
    }
}
