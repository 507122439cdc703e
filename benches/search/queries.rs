//! The kinds of queries that are measured.

use jornada_domain::Registration;
use jornada_domain::text::fold;
use jornada_store::search::{Cursor, SearchBy, SearchQuery};

use crate::chance;

/// Builds a query about a person.
pub(crate) type QueryBuilder = fn(&Registration, u64) -> (SearchQuery, Option<Cursor>);

fn name_of(one: &Registration) -> String {
    fold(one.answers.get(0).unwrap())
}

/// Searches by the first two to seven letters of a name.
fn search_by_prefix(one: &Registration, number: u64) -> SearchBy {
    let letters = usize::try_from(2 + chance(number, 9) % 6).unwrap();
    let typed: String = name_of(one).chars().take(letters).collect();
    SearchBy::from_name(&typed).unwrap()
}

/// Searches by beginnings of these words of a name, in this order.
fn search_by_words(one: &Registration, number: u64, places: &[usize]) -> SearchBy {
    let name = name_of(one);
    let words: Vec<_> = name.split(' ').collect();
    let letters = usize::try_from(3 + chance(number, 10) % 4).unwrap();
    let begin = |place: &usize| words[*place].chars().take(letters).collect::<String>();
    let typed: Vec<_> = places.iter().map(begin).collect();
    SearchBy::from_name(&typed.join(" ")).unwrap()
}

fn cursor(one: &Registration, name: Option<String>) -> Cursor {
    Cursor {
        name,
        word: None,
        received_at: one.received_at,
        id: one.id,
    }
}

fn cities(one: &Registration) -> Vec<String> {
    let mut cities: Vec<_> = (0..40)
        .map(|city| format!("Ciudad {:03}", city * 7))
        .collect();
    cities.push(one.tally_value.clone());
    cities
}

/// Limits a search to `minutes` from this person's time of receipt.
fn limit_to_minutes(mut search: SearchQuery, one: &Registration, minutes: i64) -> SearchQuery {
    let from = one.received_at;
    search.from = Some(from);
    search.until = Some(from + jiff::SignedDuration::from_mins(minutes));
    search
}

fn search_by(by: SearchBy, values: Vec<String>) -> SearchQuery {
    SearchQuery {
        by,
        values,
        ..SearchQuery::newest()
    }
}

pub(crate) const KINDS: [(&str, QueryBuilder); 20] = [
    ("newest", |_, _| (SearchQuery::newest(), None)),
    ("newest, late page", |one, _| {
        (SearchQuery::newest(), Some(cursor(one, None)))
    }),
    ("newest, one city", |one, _| {
        let search = search_by(SearchBy::Newest, vec![one.tally_value.clone()]);
        (search, Some(cursor(one, None)))
    }),
    ("newest, 41 cities, late page", |one, _| {
        let search = search_by(SearchBy::Newest, cities(one));
        (search, Some(cursor(one, None)))
    }),
    ("newest, 41 cities, a day", |one, _| {
        let search = search_by(SearchBy::Newest, cities(one));
        (limit_to_minutes(search, one, 1_440), None)
    }),
    ("name", |one, number| {
        (search_by(search_by_prefix(one, number), vec![]), None)
    }),
    ("name, late page", |one, number| {
        let search = search_by(search_by_prefix(one, number), vec![]);
        (search, Some(cursor(one, Some(name_of(one)))))
    }),
    ("name, one city", |one, number| {
        let by = search_by_prefix(one, number);
        (search_by(by, vec![one.tally_value.clone()]), None)
    }),
    ("name, 41 cities, late page", |one, number| {
        let search = search_by(search_by_prefix(one, number), cities(one));
        (search, Some(cursor(one, Some(name_of(one)))))
    }),
    ("name, an hour", |one, number| {
        let search = search_by(search_by_prefix(one, number), vec![]);
        (limit_to_minutes(search, one, 60), None)
    }),
    ("name, a day", |one, number| {
        let search = search_by(search_by_prefix(one, number), vec![]);
        (limit_to_minutes(search, one, 1_440), None)
    }),
    ("name, one city, a day", |one, number| {
        let search = search_by(search_by_prefix(one, number), vec![one.tally_value.clone()]);
        (limit_to_minutes(search, one, 1_440), None)
    }),
    ("name, 41 cities, a day", |one, number| {
        let search = search_by(search_by_prefix(one, number), cities(one));
        (limit_to_minutes(search, one, 1_440), None)
    }),
    ("last name", |one, number| {
        let by = search_by_words(one, number, &[3]);
        (search_by(by, vec![]), None)
    }),
    ("last name, late page", |one, number| {
        let search = search_by(search_by_words(one, number, &[3]), vec![]);
        let after = Cursor {
            word: name_of(one).split(' ').nth(3).map(str::to_owned),
            ..cursor(one, None)
        };
        (search, Some(after))
    }),
    ("last and first name", |one, number| {
        let by = search_by_words(one, number, &[2, 0]);
        (search_by(by, vec![]), None)
    }),
    ("four words, another order", |one, number| {
        let by = search_by_words(one, number, &[3, 0, 2, 1]);
        (search_by(by, vec![]), None)
    }),
    ("last and first name, one city", |one, number| {
        let by = search_by_words(one, number, &[2, 0]);
        (search_by(by, vec![one.tally_value.clone()]), None)
    }),
    ("last and first name, 41 cities", |one, number| {
        let by = search_by_words(one, number, &[2, 0]);
        (search_by(by, cities(one)), None)
    }),
    ("document or receipt", |one, number| {
        let by = if number % 2 == 0 {
            SearchBy::Id(one.id)
        } else {
            SearchBy::Receipt(one.id.receipt())
        };
        (search_by(by, vec![]), None)
    }),
];
