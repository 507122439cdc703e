//! Normalisation of user input, and folding for comparison regardless of case and accents.
//! Unicode NFC (UAX #15), trimmed, white space collapsed to single spaces, without invisible characters; control characters
//! and overrides of the direction rejected.

mod base_letter;
mod invisible;
mod mark;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::validation_error::ValidationError;
use base_letter::base_letters;
use invisible::remove_invisible;
pub use mark::{is_dash, is_ignorable, is_quote};

/// Normalises user input. Removes characters that nobody sees and that change nothing. Fails with
/// [`ValidationError::ControlCharacter`] for control characters, line breaks inside the text, and marks of direction (UAX
/// #9) that make a name read as another.
pub fn normalise(raw: &str) -> Result<String, ValidationError> {
    let trimmed = raw.trim();
    // Most texts, without the tables of Unicode.
    if trimmed.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !trimmed.contains("  ") {
        return Ok(trimmed.to_owned());
    }
    let is_outside = |c: char| c.is_whitespace() || is_ignorable(c);
    if trimmed.trim_matches(is_outside).chars().any(is_unwanted) {
        return Err(ValidationError::ControlCharacter);
    }
    let seen = if trimmed.chars().any(is_ignorable) {
        Cow::Owned(remove_invisible(trimmed)?)
    } else {
        Cow::Borrowed(trimmed)
    };
    let mut normal = String::with_capacity(seen.len());
    for word in seen.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(word.nfc());
    }
    Ok(normal)
}

/// Returns whether a text shows nothing.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_ignorable(c))
}

fn is_unwanted(c: char) -> bool {
    let non_character = (u32::from(c) & 0xFFFE) == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}');
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFF9}'..='\u{FFFD}')
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
        c if is_dash(c) => Some(' '),
        c if is_ignorable(c) || is_quote(c) => None,
        c => Some(c),
    }
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
            "\u{FEFF}a\u{2028}b",
            "a\u{FFFF}b",
            "a\u{FFF9}b",
        ] {
            assert_eq!(
                normalise(name),
                Err(ValidationError::ControlCharacter),
                "{name:?}"
            );
        }
    }

    #[test]
    fn what_nobody_sees_is_removed_wherever_it_is() {
        for c in ('\u{7F}'..=char::MAX).filter(|c| is_ignorable(*c) && *c != '\u{202E}') {
            for text in [
                format!("{c} Ana Paz"),
                format!("An{c}a Paz"),
                format!("Ana Paz\n{c}"),
            ] {
                assert_eq!(normalise(&text).as_deref(), Ok("Ana Paz"), "{c:?}");
            }
            assert!(is_blank(&format!(" {c}")));
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
