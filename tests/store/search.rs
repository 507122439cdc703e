//! Searches by the staff: results, their order and their pages.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jornada::domain::registration::UniqueKey;
use jornada::domain::text::fold;
use jornada::domain::{Registration, RegistrationId};
use jornada::store::search::{By, Cursor, Search};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use crate::bed::{Bed, campaign, corrected, deletion, named, registration};

/// More than the limit below which a search by name scans the whole period.
const MANY: i64 = 3_600;

fn by_name(typed: &str) -> Search {
    Search {
        by: By::name(typed).unwrap(),
        ..Search::newest()
    }
}

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + millisecond).unwrap()
}

async fn insert(bed: &Bed, one: &Registration) {
    bed.store.keep(&bed.campaign, one).await.unwrap();
}

async fn page(
    bed: &Bed,
    search: &Search,
    after: Option<&Cursor>,
    most: u8,
) -> (Vec<Registration>, Option<Cursor>) {
    let found = bed.store.search(&bed.campaign, search, after, most).await;
    let found = found.unwrap();
    (found.rows, found.next)
}

/// Returns the names found, in pages of two.
async fn names(bed: &Bed, search: &Search) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (rows, next) = page(bed, search, after.as_ref(), 2).await;
        all.extend(
            rows.iter()
                .map(|row| row.answers.get(0).unwrap().to_owned()),
        );
        if next.is_none() {
            return all;
        }
        after = next;
    }
}

async fn is_found(bed: &Bed, search: &Search) -> bool {
    !page(bed, search, None, 10).await.0.is_empty()
}

pub async fn names_are_found_by_prefix(bed: &Bed) {
    let people = [
        "José Ñandú",
        "JOSE  Núñez",
        "Josefa de Prueba",
        "Jo%se",
        "Jo_se",
        "Jo*se (x",
        "Jo\\se",
        "Jo$se",
        "Jo\"se'",
        "李 小龙",
        "Mario José",
        "\u{1F9D1} Jo",
    ];
    for (number, name) in people.into_iter().enumerate() {
        let key = number.to_string();
        insert(bed, &named(&bed.campaign, &key, name, "Bogotá", 0)).await;
    }
    for (typed, found) in [
        ("jose n", &["José Ñandú", "JOSE  Núñez"][..]),
        ("José", &["José Ñandú", "JOSE  Núñez", "Josefa de Prueba"]),
        ("jo%", &["Jo%se"]),
        ("jo_", &["Jo_se"]),
        ("jo*", &["Jo*se (x"]),
        ("jo\\", &["Jo\\se"]),
        ("jo$", &["Jo$se"]),
        ("jo\"", &["Jo\"se'"]),
        ("%jo", &[]),
        ("^jo", &[]),
        ("(jo|ma)", &[]),
        ("李", &["李 小龙"]),
        ("mario josé", &["Mario José"]),
        ("\u{1F9D1}", &["\u{1F9D1} Jo"]),
        ("zz", &[]),
    ] {
        assert_eq!(names(bed, &by_name(typed)).await, found, "{typed}");
    }
    assert_eq!(names(bed, &by_name("jo")).await.len(), 9);
}

pub async fn one_is_found_by_id_and_receipt(bed: &Bed) {
    let one = registration(&bed.campaign, "1001", "Cali", 5);
    insert(bed, &one).await;
    let id = Search {
        by: By::Id(one.id),
        ..Search::newest()
    };
    let receipt = Search {
        by: By::Receipt(one.id.receipt()),
        ..Search::newest()
    };
    for search in [id, receipt] {
        assert_eq!(page(bed, &search, None, 5).await, (vec![one.clone()], None));
        for (values, from, until, is_there) in [
            (&["Cali", "Bogotá"][..], Some(at(5)), Some(at(6)), true),
            (&["Bogotá"], None, None, false),
            (&[], Some(at(6)), None, false),
            (&[], None, Some(at(5)), false),
        ] {
            let search = Search {
                values: values.iter().map(|value| (*value).to_owned()).collect(),
                from,
                until,
                ..search.clone()
            };
            assert_eq!(is_found(bed, &search).await, is_there, "{search:?}");
        }
        let other = campaign("carnaval");
        let found = bed.store.search(&other, &search, None, 5).await.unwrap();
        assert_eq!(found.rows, [], "of another campaign");
    }
}

pub async fn corrected_registrations_are_found_and_deleted_ones_are_not(bed: &Bed) {
    let one = named(&bed.campaign, "1001", "Ana Ejemplo", "Cali", 0);
    insert(bed, &one).await;
    let claim = UniqueKey::Answer("2002".to_owned());
    let claim = RegistrationId::derive(&[1; 32], &bed.campaign.id, &claim);
    let read = bed.store.record(&bed.campaign, one.id).await.unwrap();
    let read = read.unwrap();
    let parts = [("nombre", "Beatriz Ejemplo"), ("documento", "2002")];
    let better = corrected(&bed.campaign, &read, &parts);
    let done = bed
        .store
        .correct(&bed.campaign, &read, &better, Some(claim));
    done.await.unwrap();
    let ids = [one.id, claim].map(|id| Search {
        by: By::Id(id),
        ..Search::newest()
    });
    assert!(!is_found(bed, &by_name("ana")).await);
    assert!(is_found(bed, &by_name("beatriz")).await);
    for id in &ids {
        let (rows, _) = page(bed, id, None, 5).await;
        assert_eq!(rows, std::slice::from_ref(&better.registration));
    }
    let gone = deletion(&better);
    let deleted = bed.store.delete(&bed.campaign, &better, &gone).await;
    deleted.unwrap();
    let receipt = Search {
        by: By::Receipt(one.id.receipt()),
        ..Search::newest()
    };
    let [first, second] = ids;
    for search in [first, second, receipt, by_name("beatriz"), Search::newest()] {
        assert!(!is_found(bed, &search).await, "{search:?}");
    }
    assert_eq!(bed.store.fill_names(&bed.campaign).await.unwrap(), 0);
}

pub async fn pages_stay_while_rows_come_change_and_go(bed: &Bed) {
    for search in [Search::newest(), by_name("persona")] {
        let mut expected = Vec::new();
        let round = matches!(search.by, By::Newest);
        for number in 0..60 {
            let key = format!("{}", 1_000 + number + i64::from(round) * 100);
            let one = registration(&bed.campaign, &key, "Cali", number / 3);
            insert(bed, &one).await;
            expected.push(one.id);
        }
        let (mut seen, mut after, mut turn) = (Vec::new(), None, 0);
        loop {
            let (rows, next) = page(bed, &search, after.as_ref(), 7).await;
            seen.extend(rows.iter().map(|row| row.id));
            if next.is_none() {
                break;
            }
            after = next;
            // Rows on both sides of the cursor.
            let new = format!("{}", 5_000 + turn + i64::from(round) * 100);
            insert(bed, &registration(&bed.campaign, &new, "Cali", turn * 4)).await;
            let place = usize::try_from(turn * 7).unwrap() % expected.len();
            let change = expected.remove(place);
            let read = bed.store.record(&bed.campaign, change).await.unwrap();
            let read = read.unwrap();
            if turn % 2 == 0 {
                let gone = deletion(&read);
                let gone = bed.store.delete(&bed.campaign, &read, &gone).await;
                gone.unwrap();
            } else {
                let name = [("nombre", if turn % 4 == 1 { "Aa" } else { "Persona Z" })];
                let better = corrected(&bed.campaign, &read, &name);
                let done = bed.store.correct(&bed.campaign, &read, &better, None);
                done.await.unwrap();
            }
            turn += 1;
        }
        assert!(turn > 5);
        for id in &expected {
            let times = seen.iter().filter(|one| *one == id).count();
            assert_eq!(times, 1, "an unchanged row is on one page");
        }
    }
}

pub async fn names_that_were_not_kept_are_filled_in(bed: &Bed) {
    bed.fill(1_200, &["Cali"]).await;
    bed.forget_names().await;
    assert!(!is_found(bed, &by_name("persona")).await);
    assert!(is_found(bed, &Search::newest()).await);
    let mut batches = Vec::new();
    loop {
        let filled = bed.store.fill_names(&bed.campaign).await.unwrap();
        if filled == 0 {
            break;
        }
        batches.push(filled);
    }
    assert_eq!(batches, [500, 500, 200]);
    assert_eq!(names(bed, &by_name("persona 119")).await.len(), 11);
}

/// Few names, cities and times, so that there are many of each, and many alike.
async fn crowd(bed: &Bed) -> Vec<Registration> {
    let first = ["Ana", "Aña", "Anabel", "Beto", "Ben", "aN a"];
    let last = ["", " Uno", " Dos", " Únete"];
    let crowd: Vec<_> = (0..MANY)
        .map(|number| {
            let pick = |count: i64, salt: i64| {
                let mixed = (number + salt).wrapping_mul(2_654_435_761) >> 7;
                usize::try_from(mixed.rem_euclid(count)).unwrap()
            };
            let name = format!("{}{}", first[pick(6, 1)], last[pick(4, 2)]);
            let city = format!("Ciudad {}", pick(130, 3));
            let millisecond = number / 2 - number % 7;
            named(
                &bed.campaign,
                &format!("{number}"),
                &name,
                &city,
                millisecond,
            )
        })
        .collect();
    let store = &bed.store;
    stream::iter(&crowd)
        .for_each_concurrent(64, async |one| {
            store.keep(&bed.campaign, one).await.unwrap();
        })
        .await;
    crowd
}

fn searches() -> impl Strategy<Value = (Search, u8)> {
    let by = prop_oneof![
        Just(By::Newest),
        "(an|ana|ana u|anab|be|b[e-f]|zz|an a)".prop_map(|typed| By::name(&typed).unwrap()),
    ];
    let values = prop_oneof![
        Just(0..0),
        (0_i32..130).prop_map(|first| first..first + 1),
        (0_i32..120).prop_map(|first| first..first + 5),
        Just(3..128),
    ];
    let values = values.prop_map(|range| range.map(|city| format!("Ciudad {city}")).collect());
    let moment = || proptest::option::of((-10..MANY / 2 + 10).prop_map(at));
    (by, values, moment(), moment(), 1_u8..60).prop_map(|(by, values, from, until, most)| {
        let search = Search {
            by,
            values,
            from,
            until,
        };
        (search, most)
    })
}

/// Returns the expected ids, computed from all registrations.
fn expected_ids(crowd: &[Registration], search: &Search) -> Vec<RegistrationId> {
    let name = |one: &Registration| fold(one.answers.get(0).unwrap());
    let mut found: Vec<_> = crowd
        .iter()
        .filter(|one| search.values.is_empty() || search.values.contains(&one.value))
        .filter(|one| search.from.is_none_or(|from| from <= one.received_at))
        .filter(|one| search.until.is_none_or(|until| one.received_at < until))
        .filter(|one| match &search.by {
            By::Name(prefix) => name(one).starts_with(prefix.as_str()),
            _ => true,
        })
        .collect();
    found.sort_by_key(|one| (one.received_at, one.id));
    match search.by {
        By::Name(_) => found.sort_by_key(|one| name(one)),
        _ => found.reverse(),
    }
    found.iter().map(|one| one.id).collect()
}

pub async fn every_combination_finds_what_a_look_at_all_finds(bed: &Bed) {
    let crowd = Arc::new(crowd(bed).await);
    let config = Config {
        cases: 120,
        failure_persistence: None,
        ..Config::default()
    };
    tokio::task::block_in_place(|| {
        let checked = TestRunner::new(config).run(&searches(), |(search, most)| {
            let all = expected_ids(&crowd, &search);
            let (mut seen, mut after) = (Vec::new(), None);
            for _ in 0..4 {
                let asked = page(bed, &search, after.as_ref(), most);
                let (rows, next) = Handle::current().block_on(asked);
                seen.extend(rows.iter().map(|row| row.id));
                after = next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(after.is_none(), seen.len() == all.len());
            prop_assert_eq!(&seen[..], &all[..seen.len()]);
            Ok(())
        });
        checked.unwrap();
    });
}
