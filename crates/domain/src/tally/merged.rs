//! The exact counts of a tally: spellings that are one answer are joined under the spelling that most people typed.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Field, Tally, TallyCounts};

/// One counted key of a tally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyRow {
    /// Counted values, one for each field of the tally; empty for no answer.
    pub key: Vec<String>,
    /// The values as they are shown.
    pub label: Vec<String>,
    /// Number of registrations.
    pub count: u64,
}

/// Exact counts of a tally, for the staff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedTally {
    /// Highest count first, equal counts by label.
    pub rows: Vec<TallyRow>,
    /// Registrations whose keys are not known.
    pub others: u64,
}

/// How often each spelling of a counted value was typed.
type Spellings<'c> = HashMap<String, HashMap<&'c str, u64>>;

impl MergedTally {
    /// Joins the counts of answers that are counted as one.
    pub fn new(fields: &[Field], tally: &Tally, counts: &TallyCounts) -> Self {
        let by = tally.key_fields(fields);
        let mut spellings: Vec<Spellings<'_>> = vec![Spellings::new(); by.len()];
        let mut merged: HashMap<Vec<String>, u64> = HashMap::new();
        let known = counts.counts.iter();
        for (typed, count) in known.filter(|(typed, count)| typed.len() == by.len() && **count > 0)
        {
            let answers = by.iter().zip(typed);
            let key: Vec<_> = answers
                .map(|(field, answer)| field.tally_value(answer))
                .collect();
            for ((spellings, value), typed) in spellings.iter_mut().zip(&key).zip(typed) {
                let of_value = spellings.entry(value.clone()).or_default();
                let spelled = of_value.entry(typed.as_str()).or_default();
                *spelled = spelled.saturating_add(*count);
            }
            let sum = merged.entry(key).or_default();
            *sum = sum.saturating_add(*count);
        }
        let labels: Vec<_> = by
            .iter()
            .zip(&spellings)
            .map(|(field, spellings)| choose_labels(field, spellings))
            .collect();
        let row = |(key, count): (Vec<String>, u64)| {
            let parts = labels.iter().zip(&key);
            let label = parts.map(|(labels, value)| labels.get(value).cloned().unwrap_or_default());
            let label = label.collect();
            TallyRow { key, label, count }
        };
        let mut rows: Vec<_> = merged.into_iter().map(row).collect();
        rows.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        Self {
            rows,
            others: counts.others,
        }
    }

    /// Returns the number of registrations.
    pub fn total(&self) -> u64 {
        let counts = self.rows.iter().map(|row| row.count);
        counts.fold(self.others, u64::saturating_add)
    }
}

/// Returns the label of each value: as in the list, else the spelling that most people typed, of equally many the first
/// in the order of the texts.
fn choose_labels(field: &Field, spellings: &Spellings<'_>) -> HashMap<String, String> {
    let label = |(value, typed): (&String, &HashMap<&str, u64>)| {
        let most = typed
            .iter()
            .max_by_key(|(text, count)| (**count, Reverse(**text)));
        let most = most.map(|(text, _)| (*text).to_owned());
        let label = field.listed_value(value).or(most);
        (value.clone(), label.unwrap_or_default())
    };
    spellings.iter().map(label).collect()
}
