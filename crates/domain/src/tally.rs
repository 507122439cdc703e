//! Tallies: counts of a campaign's registrations, grouped by the answers to one or more fields.

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
}
