//! Normalisation of user input, and folding for comparison regardless of case and accents.
//! Unicode NFC (UAX #15), trimmed, white space collapsed to single spaces; control and direction characters rejected.

mod base_letter;

use icu_properties::props::{Dash, DefaultIgnorableCodePoint, QuotationMark};
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};
use unicode_normalization::UnicodeNormalization;

use super::validation_error::ValidationError;
use base_letter::base_letters;

const DASHES: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Dash>();
const IGNORABLES: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();
const QUOTATION_MARKS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<QuotationMark>();

/// Normalises user input. Fails with [`ValidationError::ControlCharacter`] for control characters, line breaks inside
/// the text, invisible characters, and explicit direction formatting (UAX #9), which can make a name read as another.
pub fn normalise(raw: &str) -> Result<String, ValidationError> {
    let trimmed = raw.trim();
    // Most texts, without the tables of Unicode.
    if trimmed.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !trimmed.contains("  ") {
        return Ok(trimmed.to_owned());
    }
    if trimmed.chars().any(is_unwanted) {
        return Err(ValidationError::ControlCharacter);
    }
    let mut normal = String::with_capacity(trimmed.len());
    for word in trimmed.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(word.nfc());
    }
    Ok(normal)
}

fn is_unwanted(c: char) -> bool {
    let direction = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}');
    let invisible = matches!(c, '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}');
    let non_character = (u32::from(c) & 0xFFFE) == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}');
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFFC}' | '\u{FFFD}')
        || direction
        || invisible
        || non_character
}

/// Folds a text for comparison: lower case, base letters without accents and strokes, one space between words. Dashes,
/// dots and commas separate words; apostrophes, quotation marks and default-ignorable characters disappear.
pub fn fold(text: &str) -> String {
    // Lower case, then upper case, unifies letters with several forms (ẞ and ß, ς, ῳ). NFKC comes first, because a mark
    // below a letter (the iota of ῳ) becomes a letter, which would separate the letter from its other marks. Marks are
    // dropped before NFKC, which makes ´ an accent of its own, and after it, which makes ＇ an apostrophe.
    let plain = text
        .chars()
        .filter_map(fold_mark)
        .nfkc()
        .filter_map(fold_mark)
        .nfkc()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .nfkd()
        .filter(|c| !matches!(c, '\u{0300}'..='\u{036F}'))
        .flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for c in plain {
        if c.is_whitespace() {
            if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else if let Some(letters) = base_letters(c) {
            folded.push_str(letters);
        } else {
            folded.push(c);
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Returns a space for a character that separates words, and nothing for one that people leave out or vary.
fn fold_mark(c: char) -> Option<char> {
    match c {
        ',' | '.' | '-' => Some(' '),
        c if c.is_ascii_alphanumeric() => Some(c),
        c if DASHES.contains(c) || matches!(c, '\u{02D7}' | '\u{2043}') => Some(' '),
        c if IGNORABLES.contains(c) || QUOTATION_MARKS.contains(c) || is_apostrophe(c) => None,
        c => Some(c),
    }
}

/// Whether people type this character as an apostrophe, although Unicode does not list it as a quotation mark.
fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '`' | '´'
            | '\u{02B9}'..='\u{02BF}'
            | '\u{02C8}'
            | '\u{02CA}'
            | '\u{02CB}'
            | '\u{02EE}'
            | '\u{0374}'
            | '\u{055A}'
            | '\u{05F3}'
            | '\u{05F4}'
            | '\u{07F4}'
            | '\u{07F5}'
            | '\u{1FBD}'
            | '\u{1FBF}'
            | '\u{1FEF}'
            | '\u{1FFD}'
            | '\u{1FFE}'
            | '\u{2032}'..='\u{2037}'
            | '\u{2057}'
            | '\u{A78B}'
            | '\u{A78C}'
            | '\u{FF40}'
    )
}

/// Returns a folded text with a capital at the start of each word.
pub fn capitalise(folded: &str) -> String {
    let mut start = true;
    folded
        .chars()
        .flat_map(|c| {
            let upper = start.then(|| c.to_uppercase());
            start = c == ' ';
            let keep = upper.is_none().then_some(c);
            upper.into_iter().flatten().chain(keep)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_kept() {
        for name in ["José Ñandú", "O'Brien", "李", "=HYPERLINK(\"x\")", "नमस्ते"] {
            assert_eq!(normalise(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn white_space_is_folded_and_letters_composed() {
        assert_eq!(
            normalise("  Jose\u{301}   Pérez ").as_deref(),
            Ok("José Pérez")
        );
        assert_eq!(normalise("a\u{00A0}b").as_deref(), Ok("a b"));
    }

    #[test]
    fn what_deceives_the_eye_is_refused() {
        for name in [
            "a\0b",
            "a\u{7}b",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{FEFF}b",
            "a\u{FFFF}b",
            "a\u{200B}b",
        ] {
            assert_eq!(
                normalise(name),
                Err(ValidationError::ControlCharacter),
                "{name:?}"
            );
        }
    }

    #[test]
    fn folding_forgets_case_accents_and_punctuation() {
        assert_eq!(fold("Bogotá, D.C."), "bogota d c");
        assert_eq!(fold("SAN ANDRÉS"), fold("san  andres"));
        assert_eq!(fold("Ñ"), "n");
        assert_eq!(fold("GROẞ"), fold("groß"));
        assert_eq!(fold("ῲ\u{1E000}"), fold("ὼι\u{1E000}"));
    }

    #[test]
    fn folding_forgets_which_mark_was_typed() {
        for mark in "'´`‘’‚‛′‵ʹʻʼʽˈˊˋ＇՚׳ꞌ\"“”„«»‹›「」″".chars()
        {
            assert_eq!(
                fold(&format!("Guns N{mark} Roses")),
                "guns n roses",
                "{mark}"
            );
        }
        for dash in "-‐‑‒–—―−－﹣⸺〜⁃˗".chars() {
            assert_eq!(fold(&format!("Jay{dash}Z")), "jay z", "{dash}");
        }
        for nothing in [
            '\u{FE0E}',
            '\u{FE0F}',
            '\u{200B}',
            '\u{200D}',
            '\u{AD}',
            '\u{3164}',
            '\u{E0041}',
        ] {
            assert_eq!(
                fold(&format!("Bo{nothing}gotá{nothing}")),
                "bogota",
                "{nothing:?}"
            );
        }
    }

    #[test]
    fn folding_knows_letters_that_unicode_does_not_decompose() {
        for (typed, folded) in [
            ("Łódź", "lodz"),
            ("SØREN", "soren"),
            ("Đorđe", "dorde"),
            ("Æther Œuvre", "aether oeuvre"),
            ("Straße ĳ ﬁ", "strasse ij fi"),
            ("Þór Guð", "thor gud"),
            ("ħŧŋıǽ", "htniae"),
        ] {
            assert_eq!(fold(typed), folded);
        }
    }
}
