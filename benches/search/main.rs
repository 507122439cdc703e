//! Latency of the staff's search pages and overview with a million registrations on the test servers:
//! `cargo bench --bench search`, or with another number of them `-- --rows N`. Prints figures, asserts nothing.
#![expect(clippy::unwrap_used, reason = "a failed measurement may panic")]

#[path = "../../tests/store/fixture.rs"]
#[expect(dead_code, reason = "the cases of the contract use all of it")]
mod fixture;
mod queries;

use std::sync::Arc;
use std::time::{Duration, Instant};

use fixture::{StoreFixture, named};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jornada_domain::Registration;
use jornada_domain::person_name::SearchedName;
use jornada_service::staff::overview::OverviewCache;
use jornada_store::StoreSetting;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, Document, doc};

const MILLION: u64 = 1_000_000;
/// Rows inserted through the store, with and without search indexes.
const INSERTED_ROWS: u64 = 4_000;
/// Queries of each kind.
const QUERIES: u64 = 200;
const PAGE: u8 = 50;
const DAY: u64 = 86_400_000;
const FIRST: [&str; 16] = [
    "María", "José", "Luz", "Juan", "Ana", "Carlos", "Luis", "Martha", "Jorge", "Sandra", "Óscar",
    "Diana", "Andrés", "Ñusta", "Zoila", "Yeison",
];
const LAST: [&str; 20] = [
    "Rodríguez",
    "Gómez",
    "González",
    "Martínez",
    "García",
    "López",
    "Hernández",
    "Sánchez",
    "Ramírez",
    "Pérez",
    "Díaz",
    "Muñoz",
    "Rojas",
    "Moreno",
    "Jiménez",
    "Zapata",
    "Quintero",
    "Ibarra",
    "Yepes",
    "Úsuga",
];
const INDEXES: [&str; 5] = [
    "newest",
    "by_name",
    "by_name_in_place",
    "by_word",
    "by_word_in_place",
];

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for (name, make) in [("sqlite", true), ("mongodb", false)] {
        let fresh = async || {
            if make {
                StoreFixture::sqlite().await
            } else {
                StoreFixture::mongodb().await
            }
        };
        measure_index_cost(name, &fresh().await).await;
        let fixture = fresh().await;
        let since = Instant::now();
        fill(&fixture).await;
        println!(
            "{name:8} {} written in {:.0} s",
            rows(),
            since.elapsed().as_secs_f64()
        );
        measure_searches(name, &fixture).await;
        measure_overview(name, &fixture).await;
        fixture.remove().await;
    }
}

/// Returns the number of registrations.
fn rows() -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rows");
    let rows = arguments.nth(1).map(|rows| rows.parse().unwrap());
    rows.unwrap_or(MILLION)
}

/// Returns a pseudo-random number, the same in every run.
fn chance(number: u64, salt: u64) -> u64 {
    let mixed = (number + salt * 0x9E37_79B9).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 32)
}

/// Returns an index below `count`; low ones are far more frequent.
fn skewed_index(number: u64, salt: u64, count: u64) -> u64 {
    let even = chance(number, salt) % (count * count);
    even.isqrt().abs_diff(count - 1)
}

fn pick<'a>(from: &[&'a str], number: u64, salt: u64) -> &'a str {
    let place = skewed_index(number, salt, from.len() as u64);
    from[usize::try_from(place).unwrap()]
}

/// Returns a person with two first and two last names, within fourteen days and 300 cities, one of which has a fifth.
fn person(fixture: &StoreFixture, number: u64) -> Registration {
    let name = format!(
        "{} {} {} {}",
        pick(&FIRST, number, 1),
        pick(&FIRST, number, 2),
        pick(&LAST, number, 3),
        pick(&LAST, number, 4),
    );
    let is_capital = chance(number, 7).is_multiple_of(5);
    let city = if is_capital {
        0
    } else {
        skewed_index(number, 5, 300)
    };
    let city = format!("Ciudad {city:03}");
    let millisecond = i64::try_from(chance(number, 6) % (14 * DAY)).unwrap();
    named(
        &fixture.campaign,
        &number.to_string(),
        &name,
        &city,
        millisecond,
    )
}

/// Measures how much the search indexes slow down inserts.
async fn measure_index_cost(name: &str, fixture: &StoreFixture) {
    for (round, what) in ["with", "without"].into_iter().enumerate() {
        let since = Instant::now();
        let first = INSERTED_ROWS * round as u64;
        stream::iter(first..first + INSERTED_ROWS)
            .for_each_concurrent(32, async |number| {
                let one = person(fixture, number);
                fixture.insert(&one).await;
            })
            .await;
        let each = since.elapsed() / u32::try_from(INSERTED_ROWS).unwrap();
        println!("{name:8} kept {what:8} indexes of searches {each:?} each, 32 at once");
        match &fixture.setting {
            StoreSetting::Sqlite(path) => {
                let file = rusqlite::Connection::open(path).unwrap();
                for index in INDEXES {
                    file.execute(&format!("DROP INDEX IF EXISTS registrations_{index}"), ())
                        .unwrap();
                }
                file.execute("DROP TRIGGER IF EXISTS words_are_inserted", ())
                    .unwrap();
            }
            StoreSetting::Mongo(_) => {
                let all = fixture
                    .database()
                    .await
                    .collection::<Document>("registrations");
                for index in INDEXES {
                    all.drop_index(index).await.ok();
                }
            }
        }
    }
}

/// Inserts a million copies of one registration with different names, cities, times and ids.
async fn fill(fixture: &StoreFixture) {
    fixture.insert(&person(fixture, 0)).await;
    match &fixture.setting {
        StoreSetting::Sqlite(path) => fill_file(fixture, path),
        StoreSetting::Mongo(_) => fill_collection(fixture).await,
    }
}

fn fill_file(fixture: &StoreFixture, path: &std::path::Path) {
    let mut file = rusqlite::Connection::open(path).unwrap();
    // Large enough for the indexes of a million rows; else each row would cause four random writes.
    file.pragma_update(None, "cache_size", -1_000_000).unwrap();
    let transaction = file.transaction().unwrap();
    let sql = "INSERT INTO registrations (id, campaign, value, answers, digest, received_at, \
               photo_sha256, photo_extension, photo_bytes, name, words) \
               SELECT ?1, campaign, ?2, json_object('nombre', ?3, 'documento', ?4, 'ciudad', ?2), \
               digest, ?5, photo_sha256, photo_extension, photo_bytes, ?6, ?7 \
               FROM registrations WHERE seq = 1";
    let mut statement = transaction.prepare(sql).unwrap();
    for number in 1..rows() {
        let one = person(fixture, number);
        let name = one.answers.get(0).unwrap();
        let at = one.received_at.as_millisecond();
        let searched = SearchedName::new(name);
        let row = (
            one.id.as_bytes(),
            &one.tally_value,
            name,
            number.to_string(),
            at,
            searched.folded,
            searched.words.join(" "),
        );
        statement.execute(row).unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
}

async fn fill_collection(fixture: &StoreFixture) {
    let all = fixture
        .database()
        .await
        .collection::<Document>("registrations");
    let template = all.find_one(doc! {}).await.unwrap().unwrap();
    let numbers: Vec<_> = (1..rows()).collect();
    for chunk in numbers.chunks(10_000) {
        let copies = chunk.iter().map(|number| {
            let one = person(fixture, *number);
            let name = one.answers.get(0).unwrap();
            let bytes = one.id.as_bytes().to_vec();
            let subtype = BinarySubtype::Generic;
            let mut copy = template.clone();
            copy.insert("_id", Binary { subtype, bytes });
            copy.insert("value", &one.tally_value);
            let searched = SearchedName::new(name);
            copy.insert("name", searched.folded);
            copy.insert("words", searched.words);
            let answers = copy.get_document_mut("answers").unwrap();
            answers.insert("nombre", name);
            answers.insert("documento", number.to_string());
            answers.insert("ciudad", &one.tally_value);
            let at = DateTime::from_millis(one.received_at.as_millisecond());
            copy.insert("received_at", at);
            copy
        });
        all.insert_many(copies).await.unwrap();
    }
}

async fn measure_searches(name: &str, fixture: &StoreFixture) {
    for (what, ask) in queries::KINDS {
        let (mut times, mut found_rows) = (Vec::new(), 0);
        for number in 0..QUERIES {
            let one = person(fixture, chance(number, 8) % rows());
            let (search, after) = ask(&one, number);
            let since = Instant::now();
            let found = fixture
                .store
                .search(&fixture.campaign, &search, after.as_ref(), PAGE)
                .await;
            times.push(since.elapsed());
            found_rows += found.unwrap().rows.len();
        }
        print_times(name, what, &mut times, found_rows);
    }
}

async fn measure_overview(name: &str, fixture: &StoreFixture) {
    let overviews = OverviewCache::new(fixture.store.clone());
    let now: Timestamp =
        Timestamp::from_millisecond(1_795_000_000_000).unwrap() + Duration::from_millis(13 * DAY);
    let since = Instant::now();
    let campaign = Arc::clone(&fixture.campaign);
    overviews.fetch(&campaign, now).await.unwrap();
    println!("{name:8} counted for the overview in {:?}", since.elapsed());
    let (mut times, mut sum) = (Vec::new(), 0);
    for _ in 0..QUERIES {
        let since = Instant::now();
        let overview = overviews.fetch(&campaign, now).await.unwrap();
        sum = overview.sum_by_day(|_| true).iter().sum();
        times.push(since.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    print_times(name, "overview", &mut times, usize::try_from(sum).unwrap());
}

fn print_times(name: &str, what: &str, times: &mut [Duration], rows: usize) {
    times.sort_unstable();
    let at =
        |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{name:8} {what:32} p50 {:8.2} ms, p99 {:8.2} ms, most {:8.2} ms ({rows} rows)",
        at(50),
        at(99),
        at(100),
    );
}
