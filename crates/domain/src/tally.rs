//! Tallies: counts of a campaign's registrations, grouped by the answers to one or more fields. [`TallyCounts`] counts
//! answers as typed, [`MergedTally`] joins their spellings, and [`PublicTally`] is what everyone may see.

mod change;
mod merged;
mod public_tally;
mod suppression;

use std::collections::BTreeMap;

use strum::{EnumString, IntoStaticStr};

use super::field::Field;

pub use change::{GroupTotal, TallyChange};
pub use merged::{MergedTally, TallyRow};
pub use public_tally::{Others, PublicGroup, PublicTally};

/// A tally of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Unique id within the campaign.
    pub id: String,
    /// Indexes of the fields whose answers form the key, in order.
    pub by: Vec<usize>,
    /// Counts only registrations with these answers: index of a field, counted value.
    pub filter: Vec<(usize, String)>,
    /// Maximum number of values that are listed, within one value of the first field if there are several fields.
    /// `None`: all of closed lists, and [`DEFAULT_TOP`] if people may type other answers.
    pub top: Option<usize>,
    /// How its page shows it.
    pub chart: ChartKind,
    /// Public counts below this number are not listed; 0 and 1 list all.
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
    /// Registrations whose answers came after the maximum number of keys.
    pub others: u64,
}

impl Tally {
    /// Creates the tally of a campaign file without `[[tallies]]`: one field, no filter.
    pub fn by_field(index: usize, field: &Field) -> Self {
        Self {
            id: field.name.clone(),
            by: vec![index],
            filter: Vec::new(),
            top: None,
            chart: ChartKind::default(),
            suppress_below: 0,
            is_public: true,
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
