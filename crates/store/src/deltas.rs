//! Deltas: the changes of a campaign's counts that one write causes, stored in the transaction of that write.

pub(crate) mod mongo;
pub(crate) mod sqlite;

use std::collections::BTreeMap;

use jornada_domain::{Answers, Campaign, CampaignId};

/// Change of the counts of a campaign: registrations more or less, by their counted answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Campaign.
    pub campaign: CampaignId,
    /// Names of the counted fields.
    pub fields: Vec<String>,
    /// Difference by answers to these fields; not 0.
    pub counts: BTreeMap<Vec<String>, i64>,
}

impl Delta {
    /// Creates a delta that changes nothing.
    pub(crate) fn new(campaign: &Campaign) -> Self {
        let fields = campaign.counted_fields().into_iter();
        Self {
            campaign: campaign.id.clone(),
            fields: fields
                .map(|field| campaign.fields[field].name.clone())
                .collect(),
            counts: BTreeMap::new(),
        }
    }

    /// Adds `difference` registrations with these answers.
    pub(crate) fn add(&mut self, campaign: &Campaign, answers: &Answers, difference: i64) {
        let answers = campaign.counted_answers(answers);
        let count = self.counts.entry(answers.clone()).or_default();
        *count += difference;
        if *count == 0 {
            self.counts.remove(&answers);
        }
    }
}
