//! A question with a closed list of answers.

use super::lang::Localized;
use super::refusal::Refusal;

/// One answer that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    /// What is sent and kept.
    pub value: String,
    /// What is shown.
    pub label: Localized,
}

/// The answers that may be chosen, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice(Vec<Opt>);

impl Choice {
    /// A choice among these.
    #[must_use]
    pub fn new(options: Vec<Opt>) -> Self {
        Self(options)
    }

    /// A choice among the whole numbers from `first` to `last`.
    #[must_use]
    pub fn range(first: i64, last: i64) -> Self {
        let option = |number: i64| Opt {
            value: number.to_string(),
            label: Localized {
                es: number.to_string(),
                en: number.to_string(),
            },
        };
        Self((first..=last).map(option).collect())
    }

    /// The options in their order.
    #[must_use]
    pub fn options(&self) -> &[Opt] {
        &self.0
    }

    /// Takes a value that is one of the options.
    ///
    /// # Errors
    /// [`Refusal::NotAnOption`].
    pub fn parse(&self, raw: &str) -> Result<String, Refusal> {
        let raw = raw.trim();
        let known = self.0.iter().find(|option| option.value == raw);
        known
            .map(|option| option.value.clone())
            .ok_or(Refusal::NotAnOption)
    }
}
