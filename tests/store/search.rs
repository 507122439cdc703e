//! Searches by the staff: results, their order and their pages.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jornada_domain::person_name::SearchedName;
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Registration, RegistrationId};
use jornada_store::search::{Cursor, SearchBy, SearchQuery};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use crate::corrections::delete;
use crate::fixture::{self, StoreFixture, campaign, corrected, named, registration};

/// More than the limit below which a search by name scans the whole period.
const MANY: i64 = 3_600;

pub(crate) fn by_name(typed: &str) -> SearchQuery {
    SearchQuery {
        by: SearchBy::from_name(typed).unwrap(),
        ..SearchQuery::newest()
    }
}

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + millisecond).unwrap()
}

pub(crate) async fn insert(fixture: &StoreFixture, one: &Registration) {
    fixture.insert(one).await;
}

async fn page(
    fixture: &StoreFixture,
    search: &SearchQuery,
    after: Option<&Cursor>,
    most: u8,
) -> (Vec<Registration>, Option<Cursor>) {
    let found = fixture
        .store
        .search(&fixture.campaign, search, after, most)
        .await;
    let found = found.unwrap();
    (found.rows, found.next)
}

/// Returns the names found, in pages of two.
pub(crate) async fn names(fixture: &StoreFixture, search: &SearchQuery) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (rows, next) = page(fixture, search, after.as_ref(), 2).await;
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

pub(crate) async fn is_found(fixture: &StoreFixture, search: &SearchQuery) -> bool {
    !page(fixture, search, None, 10).await.0.is_empty()
}

pub async fn names_are_found_by_prefix(fixture: &StoreFixture) {
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
        insert(fixture, &named(&fixture.campaign, &key, name, "Bogotá", 0)).await;
    }
    for (typed, found) in [
        ("jose n", &["José Ñandú", "JOSE  Núñez"][..]),
        (
            "José",
            &[
                "Jo\"se'",
                "José Ñandú",
                "JOSE  Núñez",
                "Josefa de Prueba",
                "Mario José",
            ],
        ),
        ("jo%", &["Jo%se"]),
        ("jo_", &["Jo_se"]),
        ("jo*", &["Jo*se (x"]),
        ("jo\\", &["Jo\\se"]),
        ("jo$", &["Jo$se"]),
        ("jo\"sef", &["Josefa de Prueba"]),
        ("%jo", &[]),
        ("^jo", &[]),
        ("(jo|ma)", &[]),
        ("李", &["李 小龙"]),
        ("mario josé", &["Mario José"]),
        ("\u{1F9D1}", &["\u{1F9D1} Jo"]),
        ("zz", &[]),
    ] {
        assert_eq!(names(fixture, &by_name(typed)).await, found, "{typed}");
    }
    assert_eq!(names(fixture, &by_name("jo")).await.len(), 11);
}

pub async fn one_is_found_by_id_and_receipt(fixture: &StoreFixture) {
    let one = registration(&fixture.campaign, "1001", "Cali", 5);
    insert(fixture, &one).await;
    let id = SearchQuery {
        by: SearchBy::Id(one.id),
        ..SearchQuery::newest()
    };
    let receipt = SearchQuery {
        by: SearchBy::Receipt(one.id.receipt()),
        ..SearchQuery::newest()
    };
    for search in [id, receipt] {
        assert_eq!(
            page(fixture, &search, None, 5).await,
            (vec![one.clone()], None)
        );
        for (values, from, until, is_there) in [
            (&["Cali", "Bogotá"][..], Some(at(5)), Some(at(6)), true),
            (&["Bogotá"], None, None, false),
            (&[], Some(at(6)), None, false),
            (&[], None, Some(at(5)), false),
        ] {
            let search = SearchQuery {
                values: values.iter().map(|value| (*value).to_owned()).collect(),
                from,
                until,
                ..search.clone()
            };
            assert_eq!(is_found(fixture, &search).await, is_there, "{search:?}");
        }
        let other = campaign("carnaval");
        let found = fixture
            .store
            .search(&other, &search, None, 5)
            .await
            .unwrap();
        assert_eq!(found.rows, [], "of another campaign");
    }
}

pub async fn corrected_registrations_are_found_and_deleted_ones_are_not(fixture: &StoreFixture) {
    let one = named(&fixture.campaign, "1001", "Ana Ejemplo", "Cali", 0);
    insert(fixture, &one).await;
    let claim = UniqueKey::Answer("2002".to_owned());
    let claim = RegistrationId::derive(&[1; 32], &fixture.campaign.id, &claim);
    let read = fixture.history(one.id).await;
    let read = read.unwrap();
    let parts = [("nombre", "Beatriz Ejemplo"), ("documento", "2002")];
    let better = corrected(&fixture.campaign, &read, &parts);
    let done = fixture
        .store
        .correct(&fixture.campaign, &read, &better, Some(claim));
    done.await.unwrap();
    let ids = [one.id, claim].map(|id| SearchQuery {
        by: SearchBy::Id(id),
        ..SearchQuery::newest()
    });
    assert!(!is_found(fixture, &by_name("ana")).await);
    assert!(is_found(fixture, &by_name("beatriz")).await);
    for id in &ids {
        let (rows, _) = page(fixture, id, None, 5).await;
        assert_eq!(rows, std::slice::from_ref(&better.registration));
    }
    delete(fixture, &better).await;
    let receipt = SearchQuery {
        by: SearchBy::Receipt(one.id.receipt()),
        ..SearchQuery::newest()
    };
    let [first, second] = ids;
    for search in [
        first,
        second,
        receipt,
        by_name("beatriz"),
        SearchQuery::newest(),
    ] {
        assert!(!is_found(fixture, &search).await, "{search:?}");
    }
}

pub async fn pages_are_stable_while_rows_change(fixture: &StoreFixture) {
    for search in [SearchQuery::newest(), by_name("persona")] {
        let mut expected = Vec::new();
        let round = matches!(search.by, SearchBy::Newest);
        for number in 0..60 {
            let key = format!("{}", 1_000 + number + i64::from(round) * 100);
            let one = registration(&fixture.campaign, &key, "Cali", number / 3);
            insert(fixture, &one).await;
            expected.push(one.id);
        }
        let (mut seen, mut after, mut turn) = (Vec::new(), None, 0);
        loop {
            let (rows, next) = page(fixture, &search, after.as_ref(), 7).await;
            seen.extend(rows.iter().map(|row| row.id));
            if next.is_none() {
                break;
            }
            after = next;
            // Rows on both sides of the cursor.
            let new = format!("{}", 5_000 + turn + i64::from(round) * 100);
            insert(
                fixture,
                &registration(&fixture.campaign, &new, "Cali", turn * 4),
            )
            .await;
            let place = usize::try_from(turn * 7).unwrap() % expected.len();
            let change = expected.remove(place);
            let read = fixture.history(change).await;
            let read = read.unwrap();
            if turn % 2 == 0 {
                delete(fixture, &read).await;
            } else {
                let name = [("nombre", if turn % 4 == 1 { "Aa" } else { "Persona Z" })];
                let better = corrected(&fixture.campaign, &read, &name);
                let done = fixture
                    .store
                    .correct(&fixture.campaign, &read, &better, None);
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

/// Few names, cities and times, so that there are many of each, and many alike.
async fn crowd(fixture: &StoreFixture) -> Vec<Registration> {
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
                &fixture.campaign,
                &format!("{number}"),
                &name,
                &city,
                millisecond,
            )
        })
        .collect();
    let store = &fixture.store;
    stream::iter(&crowd)
        .for_each_concurrent(64, async |one| {
            fixture::insert(store, &fixture.campaign, one)
                .await
                .unwrap();
        })
        .await;
    crowd
}

fn searches() -> impl Strategy<Value = (SearchQuery, u8)> {
    let by = prop_oneof![
        Just(SearchBy::Newest),
        "(an|ana|ana u|anab|be|b[e-f]|zz|an a|un|un ana|dos be|u a|dos d)"
            .prop_map(|typed| SearchBy::from_name(&typed).unwrap()),
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
        let search = SearchQuery {
            by,
            values,
            from,
            until,
        };
        (search, most)
    })
}

/// Returns the expected ids, computed from all registrations.
fn expected_ids(
    crowd: &[(Registration, SearchedName)],
    search: &SearchQuery,
) -> Vec<RegistrationId> {
    let find_word = |name: &SearchedName, beginning: &str| {
        let word = name.words.iter().find(|word| word.starts_with(beginning));
        word.cloned()
    };
    let mut found: Vec<_> = crowd
        .iter()
        .filter(|(one, _)| search.values.is_empty() || search.values.contains(&one.tally_value))
        .filter(|(one, _)| search.from.is_none_or(|from| from <= one.received_at))
        .filter(|(one, _)| search.until.is_none_or(|until| one.received_at < until))
        .collect();
    found.sort_by_key(|(one, _)| (one.received_at, one.id));
    if let SearchBy::Name(query) = &search.by {
        found.retain(|(_, name)| {
            query.matches(&name.folded, &name.words.iter().map(String::as_str))
        });
        let having = |one: &&str| {
            let names = crowd.iter().map(|(_, name)| find_word(name, one));
            names.flatten().count()
        };
        let rarest = query.beginnings().into_iter().min_by_key(having);
        let rarest = rarest.unwrap();
        found.sort_by_cached_key(|(_, name)| {
            if query.begins(&name.folded) {
                (false, name.folded.clone())
            } else {
                (true, find_word(name, rarest).unwrap())
            }
        });
    } else {
        found.reverse();
    }
    found.iter().map(|(one, _)| one.id).collect()
}

pub async fn every_combination_finds_what_a_full_scan_finds(fixture: &StoreFixture) {
    let crowd = crowd(fixture).await.into_iter();
    let named = crowd.map(|one| {
        let name = SearchedName::new(one.answers.get(0).unwrap());
        (one, name)
    });
    let crowd: Arc<Vec<_>> = Arc::new(named.collect());
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
                let asked = page(fixture, &search, after.as_ref(), most);
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
