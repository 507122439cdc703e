//! One question of a campaign: its name, its words, its kind and what it is used for.

use unicode_width::UnicodeWidthChar;

use super::choice::Choice;
use super::lang::Localized;
use super::place::Places;
use super::refusal::Refusal;
use super::{document, text};

/// One question.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of its own in the campaign file"
)]
pub struct Field {
    /// Name in forms, in the API and in the store: `[a-z][a-z0-9_]*`, at most 40 characters.
    pub name: String,
    /// The question.
    pub label: Localized,
    /// A help under the question.
    pub hint: Option<Localized>,
    /// What is taken as an answer.
    pub kind: Kind,
    /// Whether it must be answered.
    pub required: bool,
    /// Whether two registrations may not have the same answer.
    pub unique: bool,
    /// Whether the answer says something about a person, and is for staff only.
    pub personal: bool,
    /// Whether the totals are by this field; exactly one of a campaign.
    pub tally: bool,
    /// HTML's autofill token (`name`, `address-level2` …), so that a phone can fill it in.
    pub autocomplete: Option<String>,
}

/// The kinds of a question.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A line of text of so many letters.
    Text {
        /// Least number of letters.
        min: usize,
        /// Greatest number of letters.
        max: usize,
    },
    /// The number of an identity document.
    Document,
    /// A place.
    Place(Places),
    /// One of several options.
    Choice(Choice),
    /// A photo; its bytes are judged elsewhere.
    Photo,
}

impl Field {
    /// Whether this is a photo.
    #[must_use]
    pub fn is_photo(&self) -> bool {
        matches!(self.kind, Kind::Photo)
    }

    /// Normalises an answer, or refuses it; an empty one is `None` unless it is required.
    ///
    /// # Errors
    /// The [`Refusal`] of the field's kind.
    pub fn admit(&self, raw: &str) -> Result<Option<String>, Refusal> {
        if raw.trim().is_empty() {
            return if self.required {
                Err(Refusal::Missing)
            } else {
                Ok(None)
            };
        }
        let answer = match &self.kind {
            Kind::Text { min, max } => text_of(raw, *min, *max)?,
            Kind::Document => document::parse(raw)?,
            Kind::Place(places) => places.admit(raw)?,
            Kind::Choice(choice) => choice.parse(raw)?,
            Kind::Photo => return Err(Refusal::NotAsked),
        };
        Ok(Some(answer))
    }

    /// The value under which an admitted answer is counted.
    #[must_use]
    pub fn group(&self, answer: &str) -> String {
        match &self.kind {
            Kind::Place(places) => places.group(answer),
            _ => answer.to_owned(),
        }
    }
}

fn text_of(raw: &str, min: usize, max: usize) -> Result<String, Refusal> {
    let text = text::normalise(raw)?;
    if text.chars().count() > max {
        return Err(Refusal::TooLong { max });
    }
    // A wide character (UAX #11: ideographs, kana, Hangul) stands for a syllable or more: 李 is a whole name.
    let letters: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    if letters < min {
        return Err(Refusal::TooShort { min });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_of_another_script_is_a_name() {
        assert_eq!(text_of("李", 2, 120).as_deref(), Ok("李"));
        assert_eq!(text_of("A", 2, 120), Err(Refusal::TooShort { min: 2 }));
        assert_eq!(
            text_of(&"á".repeat(121), 2, 120),
            Err(Refusal::TooLong { max: 120 })
        );
        assert!(text_of(&"á".repeat(120), 2, 120).is_ok());
    }
}
