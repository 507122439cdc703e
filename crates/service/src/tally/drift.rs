//! Difference between cached counts and those of the store.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::CampaignCounts;
use jornada_domain::tally::TallyCounts;

/// Returns the sum of absolute differences between the counts of all tallies.
pub(super) fn total_drift(cached: &CampaignCounts, truth: &CampaignCounts) -> u64 {
    let empty = TallyCounts::default();
    let tallies = truth.iter();
    let drifts = tallies.map(|(id, truth)| tally_drift(cached.get(id).unwrap_or(&empty), truth));
    drifts.sum()
}

/// Returns the sum of absolute differences between two sets of counts. Which keys have a count of their own may differ if
/// there are too many.
fn tally_drift(cached: &TallyCounts, truth: &TallyCounts) -> u64 {
    if cached.others + truth.others > 0 {
        return cached.total().abs_diff(truth.total());
    }
    let count = |set: &BTreeMap<Vec<String>, u64>, key| set.get(key).copied().unwrap_or(0);
    let keys: BTreeSet<_> = cached.counts.keys().chain(truth.counts.keys()).collect();
    let drifts = keys
        .into_iter()
        .map(|key| count(&cached.counts, key).abs_diff(count(&truth.counts, key)));
    drifts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(list: &[(&str, u64)]) -> TallyCounts {
        let counts = list
            .iter()
            .map(|(value, count)| (vec![(*value).to_owned()], *count));
        TallyCounts {
            counts: counts.collect(),
            others: 0,
        }
    }

    #[test]
    fn drift_is_the_sum_of_all_differences() {
        let cached = counts(&[("Bogotá", 5), ("Cali", 2)]);
        assert_eq!(tally_drift(&cached, &cached), 0);
        let truth = counts(&[("Bogotá", 3), ("Tunja", 1)]);
        assert_eq!(tally_drift(&cached, &truth), 5);
    }
}
