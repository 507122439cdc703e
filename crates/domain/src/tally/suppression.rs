//! Hides small counts, so that no public number tells the count of a value that few people chose.

use super::TallyRow;

/// Minimum number of unlisted values of a closed list whose sum is published. With two, the sum tells the one when the
/// other rises above the limit and is listed.
const MIN_UNLISTED: u64 = 3;

/// The public part of the counts of one group.
pub(super) struct Suppressed {
    /// Counts that are high enough, in the order given.
    pub(super) listed: Vec<TallyRow>,
    /// Sum of the others, if it may be published.
    pub(super) sum: Option<u64>,
}

/// Takes out the counts below `limit`. `possible` is the number of values that can occur, if that is known.
///
/// The sum of small counts is published from `limit` on. If everyone knows which values are missing, it must also leave
/// open how they share it: not all of them may be just below the limit. One less is left out as well, because the step
/// from a published sum to an unpublished one tells the latter.
pub(super) fn suppress(rows: Vec<TallyRow>, limit: u64, possible: Option<u64>) -> Suppressed {
    let (listed, small): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.count >= limit);
    let sum = small
        .iter()
        .fold(0u64, |sum, row| sum.saturating_add(row.count));
    let is_open = possible.is_none_or(|possible| {
        let unlisted = possible.saturating_sub(listed.len() as u64);
        let highest = unlisted.saturating_mul(limit.saturating_sub(1));
        unlisted >= MIN_UNLISTED && sum.saturating_add(2) <= highest
    });
    Suppressed {
        sum: (sum > 0 && sum >= limit && is_open).then_some(sum),
        listed,
    }
}
