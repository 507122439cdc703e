//! Tallies: counts of a campaign's registrations, grouped by the answers to one or more fields. [`TallyCounts`] counts
//! answers as typed, [`MergedTally`] joins their spellings, and [`PublicTally`] is what everyone may see.

mod change;
mod merged;
mod public_tally;
mod suppression;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use strum::{EnumString, IntoStaticStr};

use super::field::Field;
use super::lang::LocalizedText;

pub use change::{GroupTotal, TallyChange};
pub use merged::{MergedTally, TallyRow};
pub use public_tally::{Others, PublicGroup, PublicTally};

/// A tally of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Unique id within the campaign.
    pub id: String,
    /// Heading on pages. `None`: the labels of its fields.
    pub title: Option<LocalizedText>,
    /// Indexes of the fields whose answers form the key, in order.
    pub by: Vec<usize>,
    /// Counts only registrations with these answers: index of a field, counted value.
    pub filter: Vec<(usize, String)>,
    /// The values of `filter` as people see them: in the spelling of a list, else of the campaign file.
    pub filter_labels: Vec<String>,
    /// Maximum number of values that are listed, within one value of the first field if there are several fields.
    /// `None`: all of closed lists, and [`DEFAULT_TOP`] if people may type other answers.
    pub top: Option<usize>,
    /// How its page shows it.
    pub chart: ChartKind,
    /// No public number tells a count below this one; 0 and 1 hide nothing. See [`listed_from`](Self::listed_from).
    pub suppress_below: u64,
    /// Whether everyone may see it; false for the tally that only the staff area needs.
    pub is_public: bool,
}

/// How a page shows a tally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ChartKind {
    /// Bars of the counts.
    #[default]
    Bar,
    /// Shares in percent, within one value of the first field if there are several fields.
    Share,
    /// A line over the values of the last field.
    Line,
}

/// Listed values of a tally of open answers, unless its campaign sets another number.
pub const DEFAULT_TOP: usize = 500;

/// Counts of one tally by answers as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TallyCounts {
    /// Counts by the answers to the fields of the tally, in their order; an empty text stands for no answer.
    pub counts: BTreeMap<Vec<String>, u64>,
    /// Sum of the counts of all keys that have none of their own, because there were [`MAX_KEYS`].
    pub others: u64,
}

/// Maximum number of keys of a tally. Further ones are counted together.
pub const MAX_KEYS: usize = 20_000;

impl Tally {
    /// Creates the tally of a campaign file without `[[tallies]]`: one field, no filter.
    pub fn by_field(index: usize, field: &Field) -> Self {
        Self {
            id: field.name.clone(),
            title: None,
            by: vec![index],
            filter: Vec::new(),
            filter_labels: Vec::new(),
            top: None,
            chart: ChartKind::default(),
            suppress_below: 0,
            is_public: true,
        }
    }

    /// Returns the key under which these answers are counted; `None` if the filter excludes them. `answer` returns the
    /// answer to the field at an index.
    pub fn key<'a>(
        &self,
        fields: &[Field],
        answer: impl Fn(usize) -> &'a str,
    ) -> Option<Vec<String>> {
        let passes = |(index, value): &(usize, String)| {
            fields
                .get(*index)
                .is_some_and(|field| field.tally_value(answer(*index)) == *value)
        };
        let key = || self.by.iter().map(|index| answer(*index).to_owned());
        self.filter.iter().all(passes).then(|| key().collect())
    }

    /// Returns the lowest count that is listed publicly. It is one above `suppress_below`, because a value that appears
    /// tells the count before, and one that disappears the count after.
    pub fn listed_from(&self) -> u64 {
        match self.suppress_below {
            0 | 1 => 1,
            limit => limit.saturating_add(1),
        }
    }

    /// Returns whether the tally counts all registrations by this field alone.
    pub fn is_plain_count_of(&self, field: usize) -> bool {
        self.by == [field] && self.filter.is_empty()
    }

    /// Returns the fields that form the key, in order.
    pub fn key_fields<'f>(&self, fields: &'f [Field]) -> Vec<&'f Field> {
        self.by
            .iter()
            .filter_map(|index| fields.get(*index))
            .collect()
    }
}

impl TallyCounts {
    /// Adds `difference` to the count of a key, or of all others if there are too many keys. While there are others, no
    /// further key gets a count of its own, because some of it may be among them: each listed count stays exact. Returns
    /// whether the others got more: one of them may be among the highest by now, which only a recount tells.
    pub fn add(&mut self, key: Vec<String>, difference: i64) -> bool {
        let is_full = self.counts.len() >= MAX_KEYS;
        match self.counts.entry(key) {
            Entry::Occupied(mut entry) => {
                *entry.get_mut() = entry.get().saturating_add_signed(difference);
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
            Entry::Vacant(entry) if difference > 0 && self.others == 0 && !is_full => {
                entry.insert(difference.unsigned_abs());
            }
            Entry::Vacant(_) => {
                self.others = self.others.saturating_add_signed(difference);
                return difference > 0;
            }
        }
        false
    }

    /// Returns the sum of all counts.
    pub fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_keys_are_counted_together_and_sums_stay_exact() {
        let key = |number: usize| vec![number.to_string()];
        let mut counts = TallyCounts::default();
        for number in 0..MAX_KEYS + 2 {
            counts.add(key(number), 1);
        }
        assert_eq!((counts.counts.len(), counts.others), (MAX_KEYS, 2));
        counts.add(key(0), -1);
        // Its first registration is among the others, so that a count of its own would be wrong.
        counts.add(key(MAX_KEYS), 1);
        assert_eq!(
            (counts.counts.get(&key(MAX_KEYS)), counts.others),
            (None, 3)
        );
        counts.add(key(MAX_KEYS), -2);
        counts.add(key(MAX_KEYS + 1), -1);
        assert_eq!((counts.others, counts.total()), (0, MAX_KEYS as u64 - 1));
        counts.add(key(MAX_KEYS), 2);
        assert_eq!((counts.counts[&key(MAX_KEYS)], counts.others), (2, 0));
    }
}
