//! Latency of the staff's search pages and overview with a million registrations on the test servers:
//! `cargo bench --bench search`. Prints figures, asserts nothing.
#![expect(clippy::unwrap_used, reason = "a failed measurement may panic")]

#[path = "../tests/store/bed.rs"]
#[expect(dead_code, reason = "the cases of the contract use all of it")]
mod bed;
#[path = "../tests/support/servers.rs"]
mod servers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bed::{Bed, named};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jornada::config::StoreSetting;
use jornada::domain::Registration;
use jornada::domain::text::fold;
use jornada::staff::overview::Overviews;
use jornada::store::search::{By, Cursor, Search};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, Document, doc};

const MILLION: u64 = 1_000_000;
/// Rows inserted through the store, with and without search indexes.
const KEPT: u64 = 4_000;
/// Queries of each kind.
const QUESTIONS: u64 = 200;
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
const INDEXES: [&str; 3] = ["newest", "by_name", "by_name_in_place"];

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` runs benches too, without this flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for (name, make) in [("sqlite", true), ("mongodb", false)] {
        let fresh = async || {
            if make {
                Bed::sqlite().await
            } else {
                Bed::mongodb().await
            }
        };
        price(name, &fresh().await).await;
        let bed = fresh().await;
        let since = Instant::now();
        fill(&bed).await;
        println!(
            "{name:8} a million written in {:.0} s",
            since.elapsed().as_secs_f64()
        );
        searches(name, &bed).await;
        overview(name, &bed).await;
        bed.remove().await;
    }
}

/// Returns a pseudo-random number, the same in every run.
fn chance(number: u64, salt: u64) -> u64 {
    let mixed = (number + salt * 0x9E37_79B9).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 32)
}

/// Returns an index below `count`; low ones are far more frequent.
fn frequent(number: u64, salt: u64, count: u64) -> u64 {
    let even = chance(number, salt) % (count * count);
    even.isqrt().abs_diff(count - 1)
}

fn pick<'a>(from: &[&'a str], number: u64, salt: u64) -> &'a str {
    let place = frequent(number, salt, from.len() as u64);
    from[usize::try_from(place).unwrap()]
}

/// Returns a person with two first and two last names, within fourteen days and 300 cities, one of which has a fifth.
fn person(bed: &Bed, number: u64) -> Registration {
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
        frequent(number, 5, 300)
    };
    let city = format!("Ciudad {city:03}");
    let millisecond = i64::try_from(chance(number, 6) % (14 * DAY)).unwrap();
    named(
        &bed.campaign,
        &number.to_string(),
        &name,
        &city,
        millisecond,
    )
}

/// Measures how much the search indexes slow down inserts.
async fn price(name: &str, bed: &Bed) {
    for (round, what) in ["with", "without"].into_iter().enumerate() {
        let since = Instant::now();
        let first = KEPT * round as u64;
        stream::iter(first..first + KEPT)
            .for_each_concurrent(32, async |number| {
                let one = person(bed, number);
                bed.store.keep(&bed.campaign, &one).await.unwrap();
            })
            .await;
        let each = since.elapsed() / u32::try_from(KEPT).unwrap();
        println!("{name:8} kept {what:8} indexes of searches {each:?} each, 32 at once");
        match &bed.setting {
            StoreSetting::Sqlite(path) => {
                let file = rusqlite::Connection::open(path).unwrap();
                for index in INDEXES {
                    file.execute(&format!("DROP INDEX IF EXISTS registrations_{index}"), ())
                        .unwrap();
                }
            }
            StoreSetting::Mongo(_) => {
                let all = bed.database().await.collection::<Document>("registrations");
                for index in INDEXES {
                    all.drop_index(index).await.ok();
                }
            }
        }
    }
}

/// Inserts a million copies of one registration with different names, cities, times and ids.
async fn fill(bed: &Bed) {
    bed.store
        .keep(&bed.campaign, &person(bed, 0))
        .await
        .unwrap();
    match &bed.setting {
        StoreSetting::Sqlite(path) => fill_file(bed, path),
        StoreSetting::Mongo(_) => fill_collection(bed).await,
    }
}

fn fill_file(bed: &Bed, path: &std::path::Path) {
    let mut file = rusqlite::Connection::open(path).unwrap();
    // Large enough for the indexes of a million rows; else each row would cause four random writes.
    file.pragma_update(None, "cache_size", -1_000_000).unwrap();
    let transaction = file.transaction().unwrap();
    let sql = "INSERT INTO registrations (id, campaign, value, answers, digest, received_at, \
               photo_sha256, photo_extension, photo_bytes, name) \
               SELECT ?1, campaign, ?2, json_object('nombre', ?3, 'documento', ?4, 'ciudad', ?2), \
               digest, ?5, photo_sha256, photo_extension, photo_bytes, ?6 \
               FROM registrations WHERE seq = 1";
    let mut statement = transaction.prepare(sql).unwrap();
    for number in 1..MILLION {
        let one = person(bed, number);
        let name = one.answers.get(0).unwrap();
        let at = one.received_at.as_millisecond();
        let row = (
            one.id.as_bytes(),
            &one.value,
            name,
            number.to_string(),
            at,
            fold(name),
        );
        statement.execute(row).unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
}

async fn fill_collection(bed: &Bed) {
    let all = bed.database().await.collection::<Document>("registrations");
    let template = all.find_one(doc! {}).await.unwrap().unwrap();
    let numbers: Vec<_> = (1..MILLION).collect();
    for chunk in numbers.chunks(10_000) {
        let copies = chunk.iter().map(|number| {
            let one = person(bed, *number);
            let name = one.answers.get(0).unwrap();
            let bytes = one.id.as_bytes().to_vec();
            let subtype = BinarySubtype::Generic;
            let mut copy = template.clone();
            copy.insert("_id", Binary { subtype, bytes });
            copy.insert("value", &one.value);
            copy.insert("name", fold(name));
            let answers = copy.get_document_mut("answers").unwrap();
            answers.insert("nombre", name);
            answers.insert("documento", number.to_string());
            answers.insert("ciudad", &one.value);
            let at = DateTime::from_millis(one.received_at.as_millisecond());
            copy.insert("received_at", at);
            copy
        });
        all.insert_many(copies).await.unwrap();
    }
}

/// Builds a query about a person.
type Ask = fn(&Registration, u64) -> (Search, Option<Cursor>);

fn name_of(one: &Registration) -> String {
    fold(one.answers.get(0).unwrap())
}

/// Searches by the first two to seven letters of a name.
fn beginning(one: &Registration, number: u64) -> By {
    let letters = usize::try_from(2 + chance(number, 9) % 6).unwrap();
    let typed: String = name_of(one).chars().take(letters).collect();
    By::name(&typed).unwrap()
}

fn cursor(one: &Registration, name: Option<String>) -> Cursor {
    Cursor {
        name,
        received_at: one.received_at,
        id: one.id,
    }
}

fn cities(one: &Registration) -> Vec<String> {
    let mut cities: Vec<_> = (0..40)
        .map(|city| format!("Ciudad {:03}", city * 7))
        .collect();
    cities.push(one.value.clone());
    cities
}

/// Limits a search to `minutes` from this person's time of receipt.
fn within(mut search: Search, one: &Registration, minutes: i64) -> Search {
    let from = one.received_at;
    search.from = Some(from);
    search.until = Some(from + jiff::SignedDuration::from_mins(minutes));
    search
}

fn by(by: By, values: Vec<String>) -> Search {
    Search {
        by,
        values,
        ..Search::newest()
    }
}

const KINDS: [(&str, Ask); 14] = [
    ("newest", |_, _| (Search::newest(), None)),
    ("newest, late page", |one, _| {
        (Search::newest(), Some(cursor(one, None)))
    }),
    ("newest, one city", |one, _| {
        (
            by(By::Newest, vec![one.value.clone()]),
            Some(cursor(one, None)),
        )
    }),
    ("newest, 41 cities, late page", |one, _| {
        (by(By::Newest, cities(one)), Some(cursor(one, None)))
    }),
    ("newest, 41 cities, a day", |one, _| {
        (within(by(By::Newest, cities(one)), one, 1_440), None)
    }),
    ("name", |one, number| {
        (by(beginning(one, number), vec![]), None)
    }),
    ("name, late page", |one, number| {
        let search = by(beginning(one, number), vec![]);
        (search, Some(cursor(one, Some(name_of(one)))))
    }),
    ("name, one city", |one, number| {
        (by(beginning(one, number), vec![one.value.clone()]), None)
    }),
    ("name, 41 cities, late page", |one, number| {
        let search = by(beginning(one, number), cities(one));
        (search, Some(cursor(one, Some(name_of(one)))))
    }),
    ("name, an hour", |one, number| {
        (within(by(beginning(one, number), vec![]), one, 60), None)
    }),
    ("name, a day", |one, number| {
        (within(by(beginning(one, number), vec![]), one, 1_440), None)
    }),
    ("name, one city, a day", |one, number| {
        let search = by(beginning(one, number), vec![one.value.clone()]);
        (within(search, one, 1_440), None)
    }),
    ("name, 41 cities, a day", |one, number| {
        (
            within(by(beginning(one, number), cities(one)), one, 1_440),
            None,
        )
    }),
    ("document or receipt", |one, number| {
        let receipt = By::Receipt(one.id.receipt());
        (
            by(
                if number % 2 == 0 {
                    By::Id(one.id)
                } else {
                    receipt
                },
                vec![],
            ),
            None,
        )
    }),
];

async fn searches(name: &str, bed: &Bed) {
    for (what, ask) in KINDS {
        let (mut times, mut rows) = (Vec::new(), 0);
        for number in 0..QUESTIONS {
            let one = person(bed, chance(number, 8) % MILLION);
            let (search, after) = ask(&one, number);
            let since = Instant::now();
            let found = bed
                .store
                .search(&bed.campaign, &search, after.as_ref(), PAGE)
                .await;
            times.push(since.elapsed());
            rows += found.unwrap().rows.len();
        }
        tell(name, what, &mut times, rows);
    }
}

async fn overview(name: &str, bed: &Bed) {
    let overviews = Overviews::new(bed.store.clone());
    let now: Timestamp =
        Timestamp::from_millisecond(1_795_000_000_000).unwrap() + Duration::from_millis(13 * DAY);
    let since = Instant::now();
    let campaign = Arc::clone(&bed.campaign);
    overviews.of(&campaign, now).await.unwrap();
    println!("{name:8} counted for the overview in {:?}", since.elapsed());
    let (mut times, mut sum) = (Vec::new(), 0);
    for _ in 0..QUESTIONS {
        let since = Instant::now();
        let overview = overviews.of(&campaign, now).await.unwrap();
        sum = overview.of_days(|_| true).iter().sum();
        times.push(since.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tell(name, "overview", &mut times, usize::try_from(sum).unwrap());
}

fn tell(name: &str, what: &str, times: &mut [Duration], rows: usize) {
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
