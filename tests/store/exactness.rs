//! Compares the sum of all deltas with the registrations.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use jornada_domain::CampaignId;
use jornada_store::StoreSetting;
use mongodb::bson::{Document, doc};

use crate::fixture::StoreFixture;

/// Counts by the answers to the counted fields.
type Counts = BTreeMap<Vec<String>, i64>;

pub async fn assert_deltas_are_exact(fixture: &StoreFixture) {
    let mut counts = Counts::new();
    for one in fixture.list(None).await {
        let answers = fixture.campaign.counted_answers(&one.answers);
        *counts.entry(answers).or_default() += 1;
    }
    assert_eq!(sum_of_deltas(fixture, &fixture.campaign.id).await, counts);
}

/// Returns the sum of all deltas of a campaign, without zeros.
pub async fn sum_of_deltas(fixture: &StoreFixture, campaign: &CampaignId) -> Counts {
    let mut sum = Counts::new();
    for (answers, count) in stored_counts(fixture, campaign).await {
        *sum.entry(answers).or_default() += count;
    }
    sum.retain(|_, count| *count != 0);
    sum
}

async fn stored_counts(fixture: &StoreFixture, campaign: &CampaignId) -> Vec<(Vec<String>, i64)> {
    if let StoreSetting::Sqlite(path) = &fixture.setting {
        let file = rusqlite::Connection::open(path).unwrap();
        let sql = "SELECT counts FROM deltas WHERE campaign = ?1";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([campaign.as_str()], |row| row.get(0));
        let rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
        let parse = |json: &String| serde_json::from_str::<Vec<_>>(json).unwrap();
        return rows.iter().flat_map(parse).collect();
    }
    let deltas = fixture.database().await.collection::<Document>("deltas");
    let found = deltas.find(doc! { "campaign": campaign.as_str() });
    let found: Vec<_> = found.await.unwrap().try_collect().await.unwrap();
    let counts = found
        .iter()
        .flat_map(|delta| delta.get_array("counts").unwrap());
    counts
        .map(|count| {
            let count = count.as_document().unwrap();
            let answers = count.get_array("answers").unwrap().iter();
            let answers = answers.map(|answer| answer.as_str().unwrap().to_owned());
            (answers.collect(), count.get_i64("count").unwrap())
        })
        .collect()
}
