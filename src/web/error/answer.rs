//! Texts about rejected answers.

use jornada_domain::text::is_ignorable;
use jornada_domain::{Lang, ValidationError};

/// Returns the text for the user: the problem and how to fix it.
pub fn answer_message(refusal: &ValidationError, lang: Lang) -> String {
    let fixed = match refusal {
        ValidationError::Missing => text!(lang, "answer-missing"),
        ValidationError::ConsentMissing => text!(lang, "answer-consent-missing"),
        ValidationError::TooShort { min } => {
            return text!(lang, "answer-too-short", min = (*min));
        }
        ValidationError::TooLong { max } => {
            return text!(lang, "answer-too-long", max = (*max));
        }
        ValidationError::ControlCharacter => text!(lang, "answer-control-character"),
        ValidationError::NoLetter => text!(lang, "answer-no-letter"),
        ValidationError::NotADocument => text!(lang, "answer-not-a-document"),
        ValidationError::NotInADocument { character } => {
            let character = show_character(*character);
            return text!(lang, "answer-not-in-a-document", character = character);
        }
        ValidationError::UnknownPlace { nearest } if nearest.is_empty() => {
            text!(lang, "answer-unknown-place")
        }
        ValidationError::UnknownPlace { nearest } => {
            return text!(lang, "answer-similar-places", names = nearest.join(", "));
        }
        ValidationError::NotAnOption { nearest } if nearest.is_empty() => {
            text!(lang, "answer-not-an-option")
        }
        ValidationError::NotAnOption { nearest } => {
            return text!(lang, "answer-similar-options", names = nearest.join(", "));
        }
        ValidationError::NotInRange { min, max } => {
            let (min, max) = (min.to_string(), max.to_string());
            return text!(lang, "answer-not-in-range", min = min, max = max);
        }
        ValidationError::UnknownField => text!(lang, "answer-unknown-field"),
        ValidationError::Repeated => text!(lang, "answer-repeated"),
        ValidationError::NotAnObject => text!(lang, "answer-not-an-object"),
        ValidationError::NotAText => text!(lang, "answer-not-a-text"),
        ValidationError::UnreadableText => text!(lang, "answer-unreadable-text"),
        ValidationError::BadKey => text!(lang, "answer-bad-key"),
        ValidationError::TooManyCorrections { max } => {
            return text!(lang, "answer-too-many-corrections", max = (*max));
        }
    };
    fixed.to_owned()
}

/// Returns a character as it is, or its number in Unicode if it cannot be seen.
fn show_character(c: char) -> String {
    if c.is_control() || c.is_whitespace() || is_ignorable(c) {
        format!("U+{:04X}", u32::from(c))
    } else {
        format!("«{c}»")
    }
}
