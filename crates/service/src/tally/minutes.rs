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

/// Key of the first minute that was counted from its beginning.
const SINCE: &str = "since";

/// Number of minutes above which old ones are forgotten.
const MAX_KEPT: usize = 120;

impl CountChanges {
    /// Adds votes that were counted at this time. Erased votes stay in the minutes in which they came.
    pub fn add_to_minute(&mut self, campaign: &CampaignId, now: Timestamp, votes: i64) {
        if votes <= 0 {
            return;
        }
        let campaign = self.0.entry(campaign.clone()).or_default();
        let minutes = campaign.entry(MINUTES.to_owned()).or_default();
        *minutes.entry(key(minute(now))).or_default() += votes;
    }
}

/// Returns the minutes of a cache whose counting begins now.
pub(super) fn starting(now: Timestamp) -> TallyCounts {
    let (key, minute) = start(now);
    TallyCounts {
        counts: [(key, minute)].into(),
        others: 0,
    }
}

/// Returns key and value that tell that counting begins now.
pub(super) fn start(now: Timestamp) -> (Vec<String>, u64) {
    let first = u64::try_from(minute(now) + 1).unwrap_or_default();
    (vec![SINCE.to_owned()], first)
}

/// Returns the votes of each of the last complete minutes, the oldest first; `None` for those before counting began.
pub fn votes_per_minute(counts: &CampaignCounts, now: Timestamp) -> Vec<Option<u64>> {
    let minutes = counts.get(MINUTES);
    let find = |key: Vec<String>| minutes.and_then(|minutes| minutes.counts.get(&key).copied());
    let since = find(vec![SINCE.to_owned()]).unwrap_or_default();
    let count = |minute: i64| {
        let is_known = u64::try_from(minute).is_ok_and(|minute| minute >= since);
        is_known.then(|| find(key(minute)).unwrap_or_default())
    };
    let now = minute(now);
    (now - SHOWN..now).map(count).collect()
}

/// Returns the keys to forget, if there are many.
pub(super) fn outdated(minutes: &TallyCounts) -> Vec<Vec<String>> {
    if minutes.counts.len() <= MAX_KEPT {
        return Vec::new();
    }
    let keys = minutes.counts.keys().filter(|key| key.concat() != SINCE);
    let mut keys: Vec<_> = keys.cloned().collect();
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
            (shown.len(), shown.iter().flatten().sum()),
            (60, 18),
            "9 are complete"
        );
        assert_eq!((shown[59], shown[50]), (Some(2), Some(0)));
        let mut late = starting(at(996));
        late.counts.extend(counts(997..999).counts);
        let shown = votes_per_minute(&of(late.clone()), at(999));
        assert_eq!(shown[57..], [None, Some(2), Some(2)], "counted since 997");
        late.counts.extend(counts(0..120).counts);
        assert!(!outdated(&late).contains(&start(at(0)).0));
        assert_eq!(outdated(&counts(0..120)), Vec::<Vec<String>>::new());
        let old = outdated(&counts(0..121));
        assert_eq!((old.len(), &old[59]), (60, &key(59)));
    }
}
