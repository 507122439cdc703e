//! Votes per minute, counted beside the tallies: a count of its own in the same atomic step, by the minute in which the
//! follower counted. Only the last hour is kept. A recount leaves the minutes as they are.

use jiff::Timestamp;

use super::counts::{CampaignCounts, CountChanges};
use jornada_domain::CampaignId;
use jornada_domain::tally::TallyCounts;

/// Id of the count. No campaign file can have this id.
pub const MINUTES: &str = "_minutes";

/// Number of complete minutes that are shown.
pub const SHOWN: i64 = 60;

/// Number of minutes above which old ones are forgotten.
const MAX_KEPT: usize = 120;

impl CountChanges {
    /// Adds votes that were counted at this time.
    pub fn add_to_minute(&mut self, campaign: &CampaignId, now: Timestamp, votes: i64) {
        let campaign = self.0.entry(campaign.clone()).or_default();
        let minutes = campaign.entry(MINUTES.to_owned()).or_default();
        *minutes.entry(key(minute(now))).or_default() += votes;
    }
}

/// Returns the votes of each of the last complete minutes, the oldest first.
pub fn votes_per_minute(counts: &CampaignCounts, now: Timestamp) -> Vec<u64> {
    let minutes = counts.get(MINUTES);
    let count = |minute: i64| {
        let count = minutes.and_then(|minutes| minutes.counts.get(&key(minute)));
        count.copied().unwrap_or_default()
    };
    let now = minute(now);
    (now - SHOWN..now).map(count).collect()
}

/// Returns the keys to forget, if there are many.
pub(super) fn outdated(minutes: &TallyCounts) -> Vec<Vec<String>> {
    if minutes.counts.len() <= MAX_KEPT {
        return Vec::new();
    }
    let mut keys: Vec<_> = minutes.counts.keys().cloned().collect();
    keys.sort_unstable_by_key(|key| key.concat().parse::<i64>().unwrap_or_default());
    let kept = usize::try_from(SHOWN).unwrap_or_default() + 1;
    keys.truncate(keys.len().saturating_sub(kept));
    keys
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

fn key(minute: i64) -> Vec<String> {
    vec![minute.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60 + 7).unwrap()
    }

    #[test]
    fn the_last_complete_minutes_are_shown_and_older_ones_forgotten() {
        let counts = |minutes: std::ops::Range<i64>| TallyCounts {
            counts: minutes.map(|minute| (key(minute), 2)).collect(),
            others: 0,
        };
        let of = |counts| [(MINUTES.to_owned(), counts)].into();
        let shown = votes_per_minute(&of(counts(990..1000)), at(999));
        assert_eq!(
            (shown.len(), shown.iter().sum()),
            (60, 18),
            "9 are complete"
        );
        assert_eq!((shown[59], shown[50]), (2, 0));
        assert_eq!(outdated(&counts(0..120)), Vec::<Vec<String>>::new());
        let old = outdated(&counts(0..121));
        assert_eq!((old.len(), &old[59]), (60, &key(59)));
    }
}
