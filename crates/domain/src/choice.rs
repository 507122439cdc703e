//! A question with a closed list of answers.

use super::lang::LocalizedText;
use super::validation_error::ValidationError;

/// An option of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceOption {
    /// Value that is sent and stored.
    pub value: String,
    /// Text that is shown.
    pub label: LocalizedText,
}

/// The options of a question, in display order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice(pub Vec<ChoiceOption>);

impl Choice {
    /// Creates a choice of the whole numbers from `first` to `last`, inclusive.
    pub fn from_range(first: i64, last: i64) -> Self {
        let option = |number: i64| ChoiceOption {
            value: number.to_string(),
            label: LocalizedText {
                es: number.to_string(),
                en: number.to_string(),
            },
        };
        Self((first..=last).map(option).collect())
    }

    /// Validates that a value is one of the options.
    pub fn parse(&self, raw: &str) -> Result<String, ValidationError> {
        let raw = raw.trim();
        let known = self.0.iter().find(|option| option.value == raw);
        known
            .map(|option| option.value.clone())
            .ok_or(ValidationError::NotAnOption)
    }
}
