//! Spellings of places that mean the same.

use crate::text::fold;

/// Abbreviations at the beginning of words, and what they stand for.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("s", "san"),
    ("sn", "san"),
    ("sta", "santa"),
    ("sto", "santo"),
    ("st", "saint"),
    ("pto", "puerto"),
    ("pta", "punta"),
    ("gral", "general"),
    ("cd", "ciudad"),
    ("cdad", "ciudad"),
    ("dpto", "departamento"),
    ("depto", "departamento"),
    ("mpio", "municipio"),
    ("ntra", "nuestra"),
    ("sra", "senora"),
];

/// Names of countries that people write behind a place, folded.
const COUNTRIES: &[&str] = &[
    "argentina",
    "bolivia",
    "brasil",
    "brazil",
    "chile",
    "colombia",
    "costa rica",
    "cuba",
    "ecuador",
    "el salvador",
    "espana",
    "spain",
    "guatemala",
    "honduras",
    "mexico",
    "nicaragua",
    "panama",
    "paraguay",
    "peru",
    "republica de colombia",
    "republica dominicana",
    "uruguay",
    "venezuela",
];

/// Returns the text by which spellings of a place are compared: folded, without brackets, single letters joined as in D.C.,
/// and abbreviations written out.
pub(super) fn place_key(spelling: &str) -> String {
    let folded = fold(&spelling.replace(['(', ')', '[', ']', '/', ';', ':'], " "));
    let mut words: Vec<String> = Vec::new();
    let mut was_letter = false;
    for word in folded.split(' ') {
        let is_letter = word.chars().nth(1).is_none();
        match words.last_mut() {
            Some(letters) if was_letter && is_letter => letters.push_str(word),
            _ => words.push(word.to_owned()),
        }
        was_letter = is_letter;
    }
    for word in &mut words {
        if let Some((_, full)) = ABBREVIATIONS.iter().find(|(short, _)| short == word) {
            (*full).clone_into(word);
        }
    }
    words.join(" ")
}

/// Removes a country at the end of a key.
pub(super) fn strip_country(key: &str) -> &str {
    let country = COUNTRIES.iter().filter(|country| key.ends_with(**country));
    let longest = country.max_by_key(|country| country.len());
    let rest = longest.map_or(key, |country| &key[..key.len() - country.len()]);
    if rest.is_empty() || rest.ends_with(' ') {
        rest.trim_end()
    } else {
        key
    }
}
