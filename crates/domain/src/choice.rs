//! A question with a closed list of answers.

use std::collections::HashMap;

use super::lang::LocalizedText;
use super::similar;
use super::text;
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
pub struct Choice {
    options: Vec<ChoiceOption>,
    /// Folded values of the options, in their order.
    folded: Vec<String>,
    /// Index of an option by its value.
    by_value: HashMap<String, usize>,
    /// Index of an option by its folded value; `None` if several values fold alike.
    by_folding: HashMap<String, Option<usize>>,
}

impl Choice {
    /// Creates a choice. `None` without options, or if two have the same value.
    pub fn new(options: Vec<ChoiceOption>) -> Option<Self> {
        let (mut by_value, mut by_folding) = (HashMap::new(), HashMap::new());
        let folded = options.iter().map(|option| text::fold(&option.value));
        let folded: Vec<_> = folded.collect();
        for (index, option) in options.iter().enumerate() {
            if by_value.insert(option.value.clone(), index).is_some() {
                return None;
            }
            by_folding
                .entry(folded[index].clone())
                .and_modify(|known| *known = None)
                .or_insert(Some(index));
        }
        (!options.is_empty()).then_some(Self {
            options,
            folded,
            by_value,
            by_folding,
        })
    }

    /// Creates a choice of the whole numbers from `first` to `last`, inclusive. `None` if there are none.
    pub fn from_range(first: i64, last: i64) -> Option<Self> {
        let option = |number: i64| ChoiceOption {
            value: number.to_string(),
            label: LocalizedText {
                es: number.to_string(),
                en: number.to_string(),
            },
        };
        Self::new((first..=last).map(option).collect())
    }

    /// Returns the options in display order.
    pub fn options(&self) -> &[ChoiceOption] {
        &self.options
    }

    /// Returns the value of the option that was sent: the same, or regardless of case and accents if only one option is
    /// meant.
    pub fn parse(&self, raw: &str) -> Result<String, ValidationError> {
        let raw = raw.trim();
        let exact = self.by_value.get(raw).copied();
        let found = exact.or_else(|| self.by_folding.get(&text::fold(raw)).copied().flatten());
        match found {
            Some(index) => Ok(self.options[index].value.clone()),
            None => Err(ValidationError::NotAnOption {
                nearest: self.find_nearest(raw),
            }),
        }
    }

    fn find_nearest(&self, raw: &str) -> Vec<String> {
        let values = self.options.iter().map(|option| option.value.as_str());
        let folded = self.folded.iter().map(String::as_str);
        similar::find_similar(raw, values.zip(folded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(values: &[&str]) -> Option<Choice> {
        let option = |value: &&str| ChoiceOption {
            value: (*value).to_owned(),
            label: LocalizedText::default(),
        };
        Choice::new(values.iter().map(option).collect())
    }

    #[test]
    fn case_and_accents_do_not_matter_where_one_option_is_meant() {
        let ballots = choice(&["Blanca", "Rosada", "a", "A"]).unwrap();
        for (raw, expected) in [
            ("Blanca", "Blanca"),
            (" BLANCA ", "Blanca"),
            ("blánca", "Blanca"),
            ("a", "a"),
            ("A", "A"),
        ] {
            assert_eq!(ballots.parse(raw).as_deref(), Ok(expected), "{raw}");
        }
        assert_eq!(
            ballots.parse("blanco"),
            Err(ValidationError::NotAnOption {
                nearest: vec!["Blanca".to_owned()]
            })
        );
        assert!(ballots.parse("Á").is_err(), "either could be meant");
    }

    #[test]
    fn a_choice_has_options_and_each_value_once() {
        assert_eq!((choice(&[]), choice(&["x", "x"])), (None, None));
        assert_eq!(Choice::from_range(2, 1), None);
        assert_eq!(Choice::from_range(-1, 1).unwrap().options().len(), 3);
    }
}
