//! Counts of a campaign's tallies, and their changes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jornada_domain::tally::{MAX_KEYS, TallyCounts};
use jornada_domain::{Campaign, CampaignId, Tally};

/// Counts of all tallies of a campaign, by id of the tally.
pub type CampaignCounts = BTreeMap<String, TallyCounts>;

/// Maps counted answers to the keys of a campaign's tallies.
#[derive(Clone, Debug)]
pub struct Projection {
    campaign: Arc<Campaign>,
    /// Position of the answer to each counted field, by index of the field.
    places: HashMap<usize, usize>,
}

impl Projection {
    /// Creates the projection of answers to these fields. Returns `None` if they lack a field that a tally needs.
    pub fn new(campaign: &Arc<Campaign>, fields: &[String]) -> Option<Self> {
        let place = |index: usize| {
            let name = &campaign.fields[index].name;
            let place = fields.iter().position(|field| field == name)?;
            Some((index, place))
        };
        let places: Option<_> = campaign.counted_fields().into_iter().map(place).collect();
        Some(Self {
            campaign: Arc::clone(campaign),
            places: places?,
        })
    }

    /// Returns the tallies that count these answers, with the keys.
    fn keys(&self, answers: &[String]) -> impl Iterator<Item = (&Tally, Vec<String>)> {
        let answer = |index: usize| {
            let answer = self
                .places
                .get(&index)
                .and_then(|place| answers.get(*place));
            answer.map_or("", String::as_str)
        };
        let tallies = self.campaign.tallies.iter();
        tallies.filter_map(move |tally| Some((tally, tally.key(&self.campaign.fields, answer)?)))
    }
}

/// Changes of the counts of one tally, by key.
pub type KeyChanges = BTreeMap<Vec<String>, i64>;

/// Changes of counts, by campaign and id of the tally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountChanges(pub BTreeMap<CampaignId, BTreeMap<String, KeyChanges>>);

impl CountChanges {
    /// Adds `difference` to the counts of these answers.
    pub fn add(&mut self, projection: &Projection, answers: &[String], difference: i64) {
        let campaign = self.0.entry(projection.campaign.id.clone()).or_default();
        for (tally, key) in projection.keys(answers) {
            let changes = campaign.entry(tally.id.clone()).or_default();
            *changes.entry(key).or_default() += difference;
        }
    }
}

/// Counts the groups of a snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotCounter {
    projection: Projection,
    counts: CampaignCounts,
}

impl SnapshotCounter {
    /// Creates a counter without counts.
    pub fn new(campaign: &Arc<Campaign>) -> Self {
        let counted = campaign.counted_fields().into_iter();
        let places = counted.enumerate().map(|(place, index)| (index, place));
        let tallies = campaign.tallies.iter();
        Self {
            projection: Projection {
                campaign: Arc::clone(campaign),
                places: places.collect(),
            },
            counts: tallies
                .map(|tally| (tally.id.clone(), TallyCounts::default()))
                .collect(),
        }
    }

    /// Returns the campaign and its counts.
    pub fn finish(mut self) -> (Arc<Campaign>, CampaignCounts) {
        self.counts.values_mut().for_each(TallyCounts::limit_keys);
        (self.projection.campaign, self.counts)
    }
}

impl Extend<(Vec<String>, u64)> for SnapshotCounter {
    fn extend<T: IntoIterator<Item = (Vec<String>, u64)>>(&mut self, groups: T) {
        let counted_fields = self.projection.places.len();
        for (answers, count) in groups {
            for (tally, key) in self.projection.keys(&answers) {
                // Each group has another key only if the key has all counted fields.
                let may_return = tally.by.len() < counted_fields;
                let tally = self.counts.entry(tally.id.clone()).or_default();
                let has_cut = tally.others > 0;
                match tally.counts.entry(key) {
                    // Some of it may be among the others: a count of its own would be wrong.
                    Entry::Vacant(_) if has_cut && may_return => tally.others += count,
                    entry => *entry.or_default() += count,
                }
                // Bounds the memory.
                if tally.counts.len() > 2 * MAX_KEYS {
                    tally.limit_keys();
                }
            }
        }
    }
}

/// Describes what the tallies of a campaign count. Counts of another definition must be counted anew.
pub fn definition(campaign: &Campaign) -> String {
    let name = |index: &usize| campaign.fields[*index].name.as_str();
    let tallies = campaign.tallies.iter().map(|tally| {
        let by: Vec<_> = tally.by.iter().map(name).collect();
        let filter: Vec<_> = tally
            .filter
            .iter()
            .map(|(index, value)| (name(index), value))
            .collect();
        (&tally.id, by, filter)
    });
    serde_json::to_string(&tallies.collect::<Vec<_>>()).unwrap_or_default()
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
range = [1, 2]
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

    #[test]
    fn a_count_of_its_own_is_exact_whatever_was_cut_before() {
        let campaign = Campaign::parse(CAMPAIGN, |_| Err(String::new())).unwrap();
        let mut counter = SnapshotCounter::new(&Arc::new(campaign));
        let group = |number: usize, post: &str| vec![format!("{number:06}"), post.to_owned()];
        let artists = 2 * MAX_KEYS + 1;
        counter.extend((0..artists).map(|number| (group(number, "1"), 1)));
        // The last ones were cut.
        counter.extend((0..artists).rev().map(|number| (group(number, "2"), 2)));
        let (_, counts) = counter.finish();
        let by_artist = &counts["artista"];
        assert!(by_artist.counts.values().all(|count| *count == 3));
        assert_eq!(by_artist.counts.len(), MAX_KEYS);
        assert_eq!(by_artist.total(), 3 * artists as u64);
        // Keys that do not return are the highest.
        let both = &counts["ambos"];
        assert!(both.counts.values().all(|count| *count == 2));
        assert_eq!(both.total(), 3 * artists as u64);
    }
}
