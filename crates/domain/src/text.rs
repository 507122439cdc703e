//! Normalisation of user input, and folding for comparison regardless of case and accents.
//! Unicode NFC (UAX #15), trimmed, white space collapsed to single spaces; control and direction characters rejected.

use unicode_normalization::UnicodeNormalization;

use super::validation_error::ValidationError;

/// Normalises user input. Fails with [`ValidationError::ControlCharacter`] for control characters, line breaks inside
/// the text, invisible characters, and explicit direction formatting (UAX #9), which can make a name read as another.
pub fn normalise(raw: &str) -> Result<String, ValidationError> {
    let trimmed = raw.trim();
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

/// Folds a text for comparison: lower case, without accents, one space between words.
pub fn fold(text: &str) -> String {
    // Lower case, then upper case, unifies letters with several forms (ẞ and ß, ς, ῳ). NFKC comes first, because a mark
    // below a letter (the iota of ῳ) becomes a letter, which would separate the letter from its other marks.
    let plain = text
        .nfkc()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .nfkd()
        .filter(|c| !matches!(c, '\u{0300}'..='\u{036F}'))
        .flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for c in plain {
        match c {
            c if c.is_whitespace() || matches!(c, ',' | '.' | '-') => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c => folded.push(c),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
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
}
