//! Names found by any of their words.

use jornada_store::search::SearchQuery;

use crate::fixture::{StoreFixture, named};
use crate::search::{by_name, insert, is_found, names};

/// Names, and what is typed to find them.
const BY_WORDS: [(&str, &str); 17] = [
    ("Hans Peter Lustig", "Peter"),
    ("Hans Peter Lustig", "Hans Lustig"),
    ("María del Pilar Gómez Ruiz", "maria del pilar gomez"),
    ("María del Pilar Gómez Ruiz", "María Gómez"),
    ("Gómez, Carlos", "Carlos Gómez"),
    ("José Ñáñez", "jose nanez"),
    ("Sean O'Connor", "sean o ’connor"),
    ("Sean O'Connor", "oconnor"),
    ("Jean-Luc Dupont", "jean luc"),
    ("Jean-Luc Dupont", "jeanluc"),
    ("Müller Heinz", "muller"),
    ("Müller Heinz", "heinz mueller"),
    ("Großmann Udo", "grossmann"),
    ("Łukasz Wójcik", "lukasz"),
    ("क्\u{200D}षमा शर्मा", "क्षमा"),
    ("Fco. Hdez. (el\\viejo", "hernandez francisco"),
    ("Ana Maria Anabel", "an ma"),
];

pub async fn names_are_found_by_any_word(fixture: &StoreFixture) {
    for (number, (name, _)) in BY_WORDS.into_iter().enumerate() {
        let key = number.to_string();
        insert(fixture, &named(&fixture.campaign, &key, name, "Cali", 0)).await;
    }
    for (name, typed) in BY_WORDS {
        let times = |all: &[String]| all.iter().filter(|one| *one == name).count();
        let stored = BY_WORDS.iter().filter(|(one, _)| *one == name).count();
        let found = names(fixture, &by_name(typed)).await;
        assert_eq!(times(&found), stored, "{name}: {typed}");
        let words = name.split(' ').filter(|word| word.chars().count() > 1);
        let words: Vec<_> = words.collect();
        let next = words.iter().skip(1).chain(&words);
        for (first, second) in words.iter().zip(next) {
            for typed in [
                (*first).to_owned(),
                format!("{first} {second}"),
                format!("{second} {first}"),
            ] {
                let found = names(fixture, &by_name(&typed)).await;
                assert_eq!(times(&found), stored, "{name}: {typed}");
                let elsewhere = SearchQuery {
                    values: vec!["Bogotá".to_owned()],
                    ..by_name(&typed)
                };
                assert!(!is_found(fixture, &elsewhere).await, "{typed}");
            }
        }
    }
    assert_eq!(names(fixture, &by_name("peter ana")).await, [""; 0]);
    let found = names(fixture, &by_name("ma")).await;
    let first = "María del Pilar Gómez Ruiz";
    assert_eq!(found, [first, first, "Ana Maria Anabel"]);
}
