//! A question of a campaign: name, texts, kind and use.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use super::choice::Choice;
use super::lang::LocalizedText;
use super::place::Places;
use super::validation_error::ValidationError;
use super::{document, text};

/// A question.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of its own in the campaign file"
)]
pub struct Field {
    /// Name in forms, the API and the store: `[a-z][a-z0-9_]*`, up to 40 characters.
    pub name: String,
    /// Text of the question.
    pub label: LocalizedText,
    /// Help text under the question.
    pub hint: Option<LocalizedText>,
    /// Kind of answer.
    pub kind: FieldKind,
    /// Whether an answer is required.
    pub required: bool,
    /// Whether each answer may occur only once in the campaign.
    pub unique: bool,
    /// Whether the answer is personal data, visible to the staff only.
    pub personal: bool,
    /// Whether lists, reports and places of staff are by this field; true for exactly one field of a campaign.
    pub tally: bool,
    /// Whether a tally groups or filters by this field.
    pub is_counted: bool,
    /// Index of the earlier place field whose answer is the region of this place; only in vote campaigns.
    pub within: Option<usize>,
    /// HTML autofill token (`name`, `address-level2` …).
    pub autocomplete: Option<String>,
}

/// Kind of answer to a question.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// One line of text.
    Text {
        /// Minimum width, in characters; wide characters count twice.
        min: usize,
        /// Maximum length, in characters.
        max: usize,
    },
    /// Number of an identity document.
    Document,
    /// A place.
    Place(Places),
    /// One of several options.
    Choice(Choice),
    /// A whole number.
    Integer {
        /// Lowest number.
        min: i64,
        /// Highest number.
        max: i64,
    },
    /// A photo; its bytes are inspected separately.
    Photo,
}

impl Field {
    /// Returns whether this field takes a photo.
    pub fn is_photo(&self) -> bool {
        matches!(self.kind, FieldKind::Photo)
    }

    /// Normalises and validates an answer. Returns `None` for an empty answer to an optional field.
    pub fn validate(&self, raw: &str) -> Result<Option<String>, ValidationError> {
        self.validate_within(raw, None)
    }

    /// Like [`validate`](Self::validate), but of places only those of `region` are valid, if it is given.
    pub fn validate_within(
        &self,
        raw: &str,
        region: Option<&str>,
    ) -> Result<Option<String>, ValidationError> {
        if text::is_blank(raw) {
            return if self.required {
                Err(ValidationError::Missing)
            } else {
                Ok(None)
            };
        }
        let answer = match &self.kind {
            FieldKind::Text { min, max } => validate_text(raw, *min, *max)?,
            FieldKind::Document => document::parse(raw)?,
            FieldKind::Place(places) => places.validate(raw, region)?,
            FieldKind::Choice(choice) => choice.parse(raw)?,
            FieldKind::Integer { min, max } => parse_integer(raw, *min, *max)?,
            FieldKind::Photo => return Err(ValidationError::UnknownField),
        };
        if self.is_counted && !self.has_counted_value(&answer) {
            return Err(ValidationError::NoLetter);
        }
        Ok(Some(answer))
    }

    /// Returns whether an answer is in the closed list or has a letter or digit by which it can be counted.
    fn has_counted_value(&self, answer: &str) -> bool {
        if self.closed_values().is_some() {
            return true;
        }
        let has_letter = || self.tally_value(answer).chars().any(char::is_alphanumeric);
        self.listed_value(answer).is_some() || has_letter()
    }

    /// Returns the value under which a validated answer is counted: that of the list, or the folded text.
    pub fn tally_value(&self, answer: &str) -> String {
        match &self.kind {
            FieldKind::Place(places) => places.tally_value(answer),
            FieldKind::Text { .. } => text::fold(answer),
            FieldKind::Document
            | FieldKind::Choice(_)
            | FieldKind::Integer { .. }
            | FieldKind::Photo => answer.to_owned(),
        }
    }

    /// Returns the text to show for a counted value while the spellings that people typed are not known.
    pub fn default_label(&self, value: &str) -> String {
        match self.listed_value(value) {
            Some(listed) => listed,
            None if self.closed_values().is_some() => value.to_owned(),
            None => text::capitalise(value),
        }
    }

    /// Returns the number of values of a closed list; `None` if people may answer anything else.
    pub fn closed_values(&self) -> Option<usize> {
        match &self.kind {
            FieldKind::Place(places) => places.accepts_only_listed().then(|| places.list().len()),
            FieldKind::Choice(choice) => Some(choice.options().len()),
            FieldKind::Integer { min, max } => Some(
                usize::try_from(max.abs_diff(*min))
                    .unwrap_or(usize::MAX)
                    .saturating_add(1),
            ),
            FieldKind::Text { .. } | FieldKind::Document | FieldKind::Photo => None,
        }
    }

    /// Validates a typed answer and returns the value under which it is counted. `None` for an empty answer to an
    /// optional field.
    pub fn tally_value_of(&self, typed: &str) -> Result<Option<String>, ValidationError> {
        let answer = self.validate(typed)?;
        Ok(answer.map(|answer| self.tally_value(&answer)))
    }

    /// Returns the counted value of a typed name that is in the closed list of this field.
    pub fn listed_value(&self, typed: &str) -> Option<String> {
        match &self.kind {
            FieldKind::Place(places) => places.find(typed).map(|place| place.name.clone()),
            FieldKind::Choice(choice) => choice.parse(typed).ok(),
            FieldKind::Integer { min, max } => parse_integer(typed, *min, *max).ok(),
            FieldKind::Text { .. } | FieldKind::Document | FieldKind::Photo => None,
        }
    }
}

/// Parses a whole number as people and programs write it, without a decimal point. Returns its shortest form.
fn parse_integer(raw: &str, min: i64, max: i64) -> Result<String, ValidationError> {
    let typed = if raw.is_ascii() {
        Cow::Borrowed(raw.trim())
    } else {
        Cow::Owned(text::normalise(raw)?)
    };
    let number = typed.parse::<i64>().ok();
    let number = number.filter(|number| (min..=max).contains(number));
    let refusal = ValidationError::NotInRange { min, max };
    number.map(|number| number.to_string()).ok_or(refusal)
}

fn validate_text(raw: &str, min: usize, max: usize) -> Result<String, ValidationError> {
    let text = text::normalise(raw)?;
    if text.chars().count() > max {
        return Err(ValidationError::TooLong { max });
    }
    // A wide character (UAX #11: ideographs, kana, Hangul) is a syllable or more: 李 is a complete name.
    let width: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    if width < min {
        return Err(ValidationError::TooShort { min });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_of_another_script_is_a_name() {
        assert_eq!(validate_text("李", 2, 120).as_deref(), Ok("李"));
        assert_eq!(
            validate_text("A", 2, 120),
            Err(ValidationError::TooShort { min: 2 })
        );
        assert_eq!(
            validate_text(&"á".repeat(121), 2, 120),
            Err(ValidationError::TooLong { max: 120 })
        );
        assert!(validate_text(&"á".repeat(120), 2, 120).is_ok());
    }

    #[test]
    fn a_whole_number_has_one_form_and_a_range() {
        for (raw, expected) in [("7", "7"), (" 007 ", "7"), ("-2", "-2"), ("+3", "3")] {
            assert_eq!(parse_integer(raw, -2, 9).as_deref(), Ok(expected));
        }
        for raw in [
            "10",
            "-3",
            "7.0",
            "7e0",
            "siete",
            "٧",
            "99999999999999999999",
        ] {
            let refused = ValidationError::NotInRange { min: -2, max: 9 };
            assert_eq!(parse_integer(raw, -2, 9), Err(refused), "{raw}");
        }
    }
}
