//! Tallies: counts of a campaign's registrations, grouped by the answers to one or more fields.

use std::collections::BTreeMap;

use super::campaign::Campaign;
use super::{Answers, Field};

/// A tally of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Unique id within the campaign.
    pub id: String,
    /// Indexes of the fields whose answers form the key, in order.
    pub by: Vec<usize>,
    /// Counts only registrations with these answers: index of a field, counted value.
    pub filter: Vec<(usize, String)>,
}

/// Counts of one tally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TallyCounts {
    /// Counts by answers as typed, in the order of the fields.
    pub counts: BTreeMap<Vec<String>, u64>,
    /// Count of all further answers, once there are [`MAX_KEYS`].
    pub others: u64,
}

/// Maximum number of keys of a tally. Further ones are counted together.
pub const MAX_KEYS: usize = 20_000;

impl Campaign {
    /// Returns the indexes of the fields that any tally groups or filters by, ascending.
    pub fn counted_fields(&self) -> Vec<usize> {
        let used = |tally: &Tally| {
            let filtered = tally.filter.iter().map(|(field, _)| *field);
            tally.by.iter().copied().chain(filtered).collect::<Vec<_>>()
        };
        let mut fields: Vec<_> = self.tallies.iter().flat_map(used).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Returns whether the counted answers are the stored tally value: the answers to one field with a closed list.
    pub fn counts_stored_value(&self) -> bool {
        let counted = self.counted_fields();
        let field = counted.first().map(|index| &self.fields[*index]);
        counted.len() == 1 && field.is_some_and(|field| field.tally && field.has_closed_list())
    }

    /// Returns the answers to [`counted_fields`](Self::counted_fields) as typed, empty where there is none.
    pub fn counted_answers(&self, answers: &Answers) -> Vec<String> {
        let fields = self.counted_fields().into_iter();
        fields
            .map(|field| answers.get(field).unwrap_or_default().to_owned())
            .collect()
    }
}

impl Tally {
    /// Creates the tally of a campaign file without `[[tallies]]`: one field, no filter.
    pub fn by_field(index: usize, field: &Field) -> Self {
        Self {
            id: field.name.clone(),
            by: vec![index],
            filter: Vec::new(),
        }
    }

    /// Returns the key under which these answers are counted; `None` if the filter excludes them. `answer` returns the
    /// answer to the field at an index.
    pub fn key<'a>(
        &self,
        campaign: &Campaign,
        answer: impl Fn(usize) -> &'a str,
    ) -> Option<Vec<String>> {
        let passes = |(index, value): &(usize, String)| {
            campaign.fields[*index].tally_value(answer(*index)) == *value
        };
        let key = || self.by.iter().map(|index| answer(*index).to_owned());
        self.filter.iter().all(passes).then(|| key().collect())
    }
}

impl TallyCounts {
    /// Adds `difference` to the count of a key, or of all others if there are too many keys.
    pub fn add(&mut self, key: Vec<String>, difference: i64) {
        let is_full = self.counts.len() >= MAX_KEYS;
        match self.counts.get_mut(&key) {
            Some(count) => {
                *count = count.saturating_add_signed(difference);
                if *count == 0 {
                    self.counts.remove(&key);
                }
            }
            None if difference > 0 && !is_full => {
                self.counts.insert(key, difference.unsigned_abs());
            }
            // A key without a count of its own was counted among the others.
            None => self.others = self.others.saturating_add_signed(difference),
        }
    }

    /// Keeps the highest [`MAX_KEYS`] counts and adds up the others.
    pub fn limit_keys(&mut self) {
        if self.counts.len() <= MAX_KEYS {
            return;
        }
        let mut counts: Vec<_> = std::mem::take(&mut self.counts).into_iter().collect();
        counts.sort_by(|(key, count), (other_key, other)| {
            other.cmp(count).then_with(|| key.cmp(other_key))
        });
        let others = counts.split_off(MAX_KEYS);
        self.others += others.iter().map(|(_, count)| count).sum::<u64>();
        self.counts = counts.into_iter().collect();
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
        counts.add(key(MAX_KEYS), 1);
        assert_eq!((counts.counts[&key(MAX_KEYS)], counts.others), (1, 2));
        counts.add(key(MAX_KEYS), -1);
        counts.add(key(MAX_KEYS), -1);
        assert_eq!(counts.others, 1);
        assert_eq!(counts.total(), MAX_KEYS as u64);
    }

    #[test]
    fn the_highest_counts_stay() {
        let mut counts = TallyCounts::default();
        for number in 0..MAX_KEYS + 3 {
            counts
                .counts
                .insert(vec![number.to_string()], number as u64 + 1);
        }
        let total = counts.total();
        counts.limit_keys();
        assert_eq!((counts.counts.len(), counts.others), (MAX_KEYS, 6));
        assert_eq!(counts.total(), total);
    }
}
