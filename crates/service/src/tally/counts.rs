//! Counts of a campaign's tallies, and their changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jornada_domain::tally::TallyCounts;
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

    /// Creates the projection of the counted answers of a campaign, in the order of their fields.
    pub(super) fn of_counted_answers(campaign: &Arc<Campaign>) -> Self {
        let counted = campaign.counted_fields().into_iter();
        let places = counted.enumerate().map(|(place, index)| (index, place));
        Self {
            campaign: Arc::clone(campaign),
            places: places.collect(),
        }
    }

    /// Returns the campaign.
    pub(super) fn campaign(&self) -> &Arc<Campaign> {
        &self.campaign
    }

    /// Returns the number of counted fields.
    pub(super) fn counted_fields(&self) -> usize {
        self.places.len()
    }

    /// Returns the tallies that count these answers, with the keys.
    pub(super) fn keys(&self, answers: &[String]) -> impl Iterator<Item = (&Tally, Vec<String>)> {
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
