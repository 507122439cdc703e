//! Properties of answers and places for arbitrary input.

use jornada_domain::place::Places;
use jornada_domain::{Campaign, FormData, IdempotencyKey, ReceiptNumber, document, text};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;
use unicode_width::UnicodeWidthStr;

const CAMPAIGN: &str = include_str!("../../../campaigns/vacunacion.toml");
const CITIES: &str = include_str!("../../../campaigns/ciudades-colombia.csv");

fn cities() -> Places {
    Places::parse(CITIES, false).expect("the shipped list is right")
}

fn campaign() -> Campaign {
    Campaign::parse(CAMPAIGN, |_| Ok(CITIES.to_owned())).expect("the shipped campaign is right")
}

/// A letter of a name as somebody may type it: in capitals or not, without its accent or with one of its own code point,
/// and spaces several times.
fn mistype(c: char, way: u8) -> String {
    match way % 5 {
        0 => c.to_uppercase().collect(),
        1 => c.to_lowercase().collect(),
        2 if c.is_alphabetic() => text::fold(&c.to_string()),
        3 => c.to_string().nfd().collect(),
        _ if c == ' ' => "\u{A0}  ".to_owned(),
        _ => c.to_string(),
    }
}

/// Writes a number as people and programs do: with a kind before it, marks between the digits, and invisible characters.
fn write_document(number: &str, ways: &[u8]) -> String {
    const KINDS: [&str; 12] = [
        "",
        "C.C. ",
        "CC",
        "cédula No. ",
        "Pasaporte: ",
        "T.I. # ",
        "00",
        "\u{202D}",
        "№ ",
        "Passport no ",
        "(CE) ",
        "nº",
    ];
    const MARKS: [&str; 12] = [
        "-", " ", "\u{A0}", "'", "’", "\u{2011}", "_", "·", "\u{FE0D}", "\u{200B}", "", "\u{202F}",
    ];
    let pick = |from: &[&'static str], way: u8| from[usize::from(way) % from.len()];
    let mut written = pick(&KINDS, ways[0]).to_owned();
    for (digit, way) in number.chars().zip(&ways[1..]) {
        let wide = u32::from(digit) - u32::from('0') + 0xFF10;
        let is_wide = way % 5 == 0;
        written.push(if is_wide {
            char::from_u32(wide).unwrap_or(digit)
        } else {
            digit
        });
        written.push_str(pick(&MARKS, *way));
    }
    written
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalising_twice_changes_nothing(raw in any::<String>()) {
        if let Ok(once) = text::normalise(&raw) {
            prop_assert_eq!(text::normalise(&once), Ok(once.clone()));
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert!(!once.contains("  ") && once.trim() == once);
        }
    }

    #[test]
    fn folding_twice_changes_nothing(raw in any::<String>()) {
        let once = text::fold(&raw);
        prop_assert_eq!(text::fold(&once), once);
    }

    #[test]
    fn a_listed_city_is_found_however_it_is_written(place in any::<prop::sample::Index>(), upper: bool, spaces in 0usize..3) {
        let places = cities();
        let name = &place.get(places.list()).name;
        let cased = if upper { name.to_uppercase() } else { text::fold(name) };
        let typed = format!("{}{cased}{}", " ".repeat(spaces), " ".repeat(spaces));
        prop_assert_eq!(places.validate(&typed, None), Ok(name.clone()));
    }

    #[test]
    fn what_a_list_admits_is_in_the_list(
        place in any::<prop::sample::Index>(),
        ways in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let places = cities();
        let name = &place.get(places.list()).name;
        let typed: String = name.chars().zip(ways.iter().cycle()).map(|(c, way)| mistype(c, *way)).collect();
        let admitted = places.validate(&format!("\t{typed} "), None);
        prop_assert!(admitted.is_ok(), "{typed:?}: {admitted:?}");
        prop_assert!(places.list().iter().any(|place| Ok(&place.name) == admitted.as_ref()));
    }

    #[test]
    fn places_that_fold_alike_are_counted_together(raw in "\\PC{1,40}") {
        let open = Places::any();
        prop_assert_eq!(open.tally_value(&raw), open.tally_value(&raw.to_uppercase().to_lowercase()));
    }

    #[test]
    fn any_form_gets_an_answer(parts in prop::collection::vec((any::<String>(), any::<String>()), 0..8), has_photo: bool) {
        let form = FormData { parts, has_photo };
        if let Err(refusals) = campaign().validate(&form) {
            prop_assert!(!refusals.is_empty());
            prop_assert!(refusals.iter().all(|refusal| refusal.field.chars().count() <= 40));
        }
    }

    #[test]
    fn admitted_answers_are_admitted_again_and_have_one_digest(
        name in "[\\p{L}][\\p{L} '.-]{1,60}",
        document in "[0-9]{6,10}",
        city in any::<prop::sample::Index>(),
    ) {
        let campaign = campaign();
        let places = cities();
        let city = &city.get(places.list()).name;
        let form = |parts: [(&str, &str); 4]| FormData {
            parts: parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            has_photo: true,
        };
        let sent = form([("nombre", &name), ("documento", &document), ("ciudad", city), ("consent", "true")]);
        // Shorter or longer ones are refused by name.
        let normal = text::normalise(&name).expect("letters, spaces and dots");
        prop_assume!(normal.width() >= 2 && normal.chars().count() <= 120);
        let answers = campaign.validate(&sent).expect("a right form is admitted");
        let kept: Vec<_> = answers.named(&campaign).map(|(_, value)| value.to_owned()).collect();
        let again = form([("nombre", &kept[0]), ("documento", &kept[1]), ("ciudad", &kept[2]), ("consent", "true")]);
        let again = campaign.validate(&again).expect("normal answers are answers");
        prop_assert_eq!(answers.digest(&campaign, None), again.digest(&campaign, None));
    }

    #[test]
    fn different_documents_never_meet_however_they_are_written(
        number in "[1-9][0-9]{5,9}",
        other in "[1-9][0-9]{5,9}",
        ways in prop::collection::vec(any::<u8>(), 12),
        other_ways in prop::collection::vec(any::<u8>(), 12),
    ) {
        prop_assert_eq!(document::parse(&write_document(&number, &ways)), Ok(number.clone()));
        let written = write_document(&other, &other_ways);
        prop_assert_eq!(document::parse(&written) == Ok(number.clone()), number == other);
        // One more digit is another number, or none.
        prop_assert_ne!(document::parse(&format!("{written}7")), Ok(other));
    }

    #[test]
    fn a_number_of_a_spreadsheet_is_that_number_or_refused(number in 100_000_u64..10_000_000_000, decimals in 0_u16..1000, width in 1_usize..4) {
        let decimals = &format!("{decimals:03}")[..width];
        for point in ['.', ','] {
            let read = document::parse(&format!("{number}{point}{decimals}"));
            let whole = read == Ok(number.to_string()) && decimals.bytes().all(|digit| digit == b'0');
            let grouped = width == 3 && read == Ok(format!("{number}{decimals}")) && number < 10_000_000;
            prop_assert!(whole || grouped || read.is_err(), "{number}{point}{decimals}: {read:?}");
        }
        let json = format!("{number}.{decimals}");
        let read = document::whole_digits(&json);
        prop_assert!(read.is_none_or(|read| read == number.to_string()));
    }

    #[test]
    fn what_nobody_sees_changes_no_answer(place in any::<prop::sample::Index>(), at in 0_usize..3) {
        let invisible: Vec<_> = ('\0'..=char::MAX).filter(|c| text::is_ignorable(*c) && *c != '\u{202E}').collect();
        let c = *place.get(&invisible);
        let write = |answer: &str| {
            let half = answer.char_indices().nth(answer.chars().count() * at / 2).map_or(answer.len(), |(half, _)| half);
            format!("{}{c}{}", &answer[..half], &answer[half..])
        };
        let parts = [("nombre", "Ana Ejemplo"), ("documento", "1.234.567"), ("ciudad", "Bogotá"), ("consent", "true")];
        let form = |write: &dyn Fn(&str) -> String| FormData {
            parts: parts.iter().map(|(name, value)| {
                let value = if *name == "consent" { (*value).to_owned() } else { write(value) };
                ((*name).to_owned(), value)
            }).collect(),
            has_photo: true,
        };
        let plain = campaign().validate(&form(&|text| text.to_owned()));
        prop_assert_eq!(campaign().validate(&form(&write)), plain, "{:?}", c);
    }

    #[test]
    fn documents_receipts_and_keys_never_panic(raw in any::<String>()) {
        if let Ok(number) = document::parse(&raw) {
            prop_assert_eq!(document::parse(&number), Ok(number.clone()));
        }
        if let Some(number) = ReceiptNumber::parse(&raw) {
            prop_assert_eq!(ReceiptNumber::parse(&number.to_string()), Some(number));
        }
        let _ = IdempotencyKey::parse(&raw);
    }
}
