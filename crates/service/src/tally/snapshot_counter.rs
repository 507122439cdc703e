//! Counts campaigns in the store within bounded memory: each count is exact, and no high one is missing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::counts::{CampaignCounts, Projection};
use jornada_domain::Campaign;
use jornada_domain::tally::{MAX_KEYS, TallyCounts};
use jornada_store::{FeedPosition, Store, StoreError};

/// Maximum number of keys of a tally while its groups arrive.
const MAX_WORKING_KEYS: usize = 4 * MAX_KEYS;

/// Counts campaigns in the store, all at one position of its feed. If some groups of a key came after others of it had to be
/// dropped, counts the highest keys, which are known then, a second time.
pub async fn count_campaigns(
    store: &Store,
    campaigns: Vec<Arc<Campaign>>,
) -> Result<(Vec<(Arc<Campaign>, CampaignCounts)>, FeedPosition), StoreError> {
    let counters = campaigns.into_iter().map(SnapshotCounter::new).collect();
    let (mut counters, mut position) = store.snapshot(counters).await?;
    if !counters.iter().all(SnapshotCounter::is_exact) {
        let second = counters.into_iter().map(SnapshotCounter::into_second);
        let second = second.collect();
        (counters, position) = store.snapshot(second).await?;
    }
    let counts = counters.into_iter().map(SnapshotCounter::finish);
    Ok((counts.collect(), position))
}

/// Counts the groups of a snapshot.
#[derive(Clone, Debug)]
struct SnapshotCounter {
    projection: Projection,
    tallies: BTreeMap<String, KeyCounter>,
}

/// Counts the groups of one tally.
#[derive(Clone, Debug, Default)]
struct KeyCounter {
    counts: HashMap<Vec<String>, u64>,
    /// Keys of `counts` of which some may be among the others.
    inexact: HashSet<Vec<String>>,
    others: u64,
    /// Whether all other keys are counted together.
    is_closed: bool,
}

impl SnapshotCounter {
    /// Returns a campaign and its counter.
    fn new(campaign: Arc<Campaign>) -> (Arc<Campaign>, Self) {
        let tallies = campaign.tallies.iter();
        let counter = Self {
            projection: Projection::of_counted_answers(&campaign),
            tallies: tallies
                .map(|tally| (tally.id.clone(), KeyCounter::default()))
                .collect(),
        };
        (campaign, counter)
    }

    fn is_exact(&self) -> bool {
        self.tallies.values().all(|tally| tally.inexact.is_empty())
    }

    /// Returns the counter of a second snapshot.
    fn into_second(mut self) -> (Arc<Campaign>, Self) {
        self.tallies.values_mut().for_each(KeyCounter::restart);
        (Arc::clone(self.projection.campaign()), self)
    }

    fn finish(self) -> (Arc<Campaign>, CampaignCounts) {
        let tallies = self.tallies.into_iter();
        let counts = tallies.map(|(id, tally)| (id, tally.finish())).collect();
        (Arc::clone(self.projection.campaign()), counts)
    }
}

impl Extend<(Vec<String>, u64)> for SnapshotCounter {
    fn extend<T: IntoIterator<Item = (Vec<String>, u64)>>(&mut self, groups: T) {
        let counted_fields = self.projection.counted_fields();
        for (answers, count) in groups {
            for (tally, key) in self.projection.keys(&answers) {
                // Each group has another key only if the key has all counted fields.
                let may_return = tally.by.len() < counted_fields;
                let counter = self.tallies.entry(tally.id.clone()).or_default();
                counter.add(key, count, may_return);
            }
        }
    }
}

impl KeyCounter {
    fn add(&mut self, key: Vec<String>, count: u64, may_return: bool) {
        if let Some(sum) = self.counts.get_mut(&key) {
            *sum += count;
            return;
        }
        if self.is_closed {
            self.others += count;
            return;
        }
        if may_return && self.others > 0 {
            self.inexact.insert(key.clone());
        }
        self.counts.insert(key, count);
        if self.counts.len() > MAX_WORKING_KEYS {
            self.limit(MAX_WORKING_KEYS / 2);
        }
    }

    /// Keeps the highest counts and adds up the others.
    fn limit(&mut self, max: usize) {
        let mut counts: Vec<_> = std::mem::take(&mut self.counts).into_iter().collect();
        counts.sort_unstable_by(|(key, count), (other_key, other)| {
            other.cmp(count).then_with(|| key.cmp(other_key))
        });
        for (key, count) in counts.split_off(max.min(counts.len())) {
            self.inexact.remove(&key);
            self.others += count;
        }
        self.counts = counts.into_iter().collect();
    }

    /// Prepares a second snapshot, in which only the keys known by now have counts of their own if some were inexact.
    fn restart(&mut self) {
        let last = std::mem::take(self);
        if !last.inexact.is_empty() {
            self.counts = last.counts.into_keys().map(|key| (key, 0)).collect();
            self.is_closed = true;
        }
    }

    fn finish(mut self) -> TallyCounts {
        for key in std::mem::take(&mut self.inexact) {
            self.others += self.counts.remove(&key).unwrap_or_default();
        }
        self.counts.retain(|_, count| *count > 0);
        self.limit(MAX_KEYS);
        TallyCounts {
            counts: self.counts.into_iter().collect(),
            others: self.others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMPAIGN: &str = r#"
id = "voto"
opens_at = 2026-01-01T00:00:00Z
closes_at = 2036-01-01T00:00:00Z
time_zone = "America/Bogota"
title = { es = "Voto", en = "Vote" }
[[fields]]
name = "artista"
kind = "text"
label = { es = "Artista", en = "Artist" }
required = true
[[fields]]
name = "puesto"
kind = "choice"
range = [1, 3]
label = { es = "Puesto", en = "Post" }
required = true
tally = true
[[tallies]]
id = "artista"
by = ["artista"]
[[tallies]]
id = "ambos"
by = ["artista", "puesto"]
"#;

    fn group(number: usize, post: &str) -> Vec<String> {
        vec![format!("{number:06}"), post.to_owned()]
    }

    fn snapshot(counter: &mut SnapshotCounter, artists: usize) {
        counter.extend((0..artists).map(|number| (group(number, "1"), 1)));
        // The last ones were dropped; the very last one is the highest of all.
        counter.extend((0..artists).rev().map(|number| (group(number, "2"), 2)));
        counter.extend([(group(artists - 1, "3"), 1_000)]);
    }

    #[test]
    fn each_count_is_exact_and_the_highest_is_found_whatever_was_dropped() {
        let campaign = Campaign::parse(CAMPAIGN, |_| Err(String::new())).unwrap();
        let (_, mut counter) = SnapshotCounter::new(Arc::new(campaign));
        let artists = MAX_WORKING_KEYS + 1;
        snapshot(&mut counter, artists);
        assert!(!counter.is_exact());
        let (_, mut counter) = counter.into_second();
        snapshot(&mut counter, artists);
        assert!(counter.is_exact());
        let (_, counts) = counter.finish();
        let by_artist = &counts["artista"];
        let highest = [format!("{:06}", artists - 1)];
        assert_eq!(by_artist.counts[&highest[..]], 1_003);
        let mut rest = by_artist.counts.iter().filter(|(key, _)| **key != highest);
        assert!(rest.all(|(_, count)| *count == 3));
        assert_eq!(by_artist.counts.len(), MAX_KEYS);
        assert_eq!(by_artist.total(), 3 * artists as u64 + 1_000);
        // Keys that do not return are the highest.
        let both = &counts["ambos"];
        assert!(both.counts.values().all(|count| *count >= 2));
        assert_eq!(both.total(), 3 * artists as u64 + 1_000);
    }
}
