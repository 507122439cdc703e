//! Texts about rejected answers.

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
        ValidationError::UnknownPlace { nearest } if nearest.is_empty() => {
            text!(lang, "answer-unknown-place")
        }
        ValidationError::UnknownPlace { nearest } => {
            return text!(lang, "answer-similar-places", names = nearest.join(", "));
        }
        ValidationError::NotAnOption => text!(lang, "answer-not-an-option"),
        ValidationError::UnknownField => text!(lang, "answer-unknown-field"),
        ValidationError::Repeated => text!(lang, "answer-repeated"),
        ValidationError::TooManyCorrections { max } => {
            return text!(lang, "answer-too-many-corrections", max = (*max));
        }
    };
    fixed.to_owned()
}
