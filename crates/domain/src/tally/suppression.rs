//! Hides small counts, so that neither a public number nor the difference of two tells the count of a value that few
//! people chose.

use super::{Tally, TallyRow};

/// Minimum number of unlisted values of a closed list whose sum is published. One has the sum as its count, and of two
/// the other one's follows when the first was just listed.
const MIN_UNLISTED: u64 = 3;

/// The public part of the counts of one group.
pub(super) struct Suppressed {
    /// Counts that are high enough, in the order given.
    pub(super) listed: Vec<TallyRow>,
    /// Sum of the others in steps, if it may be published.
    pub(super) sum: Option<u64>,
}

/// Takes out the counts that are not listed. `possible` is the number of values that can occur, if that is known.
///
/// A value that appears or disappears had `suppress_below` registrations one change ago, or has them now: it tells no
/// count below that. The sum of the others moves in steps, so that the registrations between two steps leave no trace.
pub(super) fn suppress(rows: Vec<TallyRow>, tally: &Tally, possible: Option<u64>) -> Suppressed {
    let from = tally.listed_from();
    let (listed, small): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.count >= from);
    let sum = small
        .iter()
        .fold(0u64, |sum, row| sum.saturating_add(row.count));
    let is_open = possible
        .is_none_or(|possible| possible.saturating_sub(listed.len() as u64) >= MIN_UNLISTED);
    Suppressed {
        sum: in_steps(sum, tally).filter(|_| is_open),
        listed,
    }
}

/// Returns a sum of unlisted counts as it may be published: rounded down to a multiple of `suppress_below`; `None` for 0.
pub(super) fn in_steps(sum: u64, tally: &Tally) -> Option<u64> {
    let rounded = sum - sum % tally.suppress_below.max(1);
    (rounded > 0).then_some(rounded)
}
