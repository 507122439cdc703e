//! Registrations by day, from the index alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mongodb::bson::{Bson, DateTime, Document, doc};

use crate::error::{Result, StoreError};
use crate::mongo::convert::read_number;
use crate::mongo::handle::{MongoStore, collect};
use crate::mongo::indexes::list_index_hint;
use crate::time_limit::COUNT_TIMEOUT;
use jornada_domain::CampaignId;

impl MongoStore {
    pub(crate) async fn count_by_day(
        &self,
        campaign: &CampaignId,
        days: &[Timestamp],
    ) -> Result<BTreeMap<String, Vec<u64>>> {
        let days: Vec<_> = days.iter().map(|day| day.as_millisecond()).collect();
        let (Some(first), Some(end)) = (days.first(), days.last()) else {
            return Ok(BTreeMap::new());
        };
        let time =
            doc! { "$gte": DateTime::from_millis(*first), "$lt": DateTime::from_millis(*end) };
        let by = doc! { "value": "$value", "day": day_expression(0, &days) };
        let pipeline = [
            doc! { "$match": { "campaign": campaign.as_str(), "received_at": time } },
            doc! { "$group": { "_id": by, "count": { "$sum": 1 } } },
        ];
        let counted = self
            .registrations
            .aggregate(pipeline)
            .hint(list_index_hint())
            .max_time(COUNT_TIMEOUT);
        let mut counts = BTreeMap::new();
        for found in collect(COUNT_TIMEOUT, counted).await? {
            let (value, day, count) =
                read_day_count(&found).ok_or_else(|| StoreError::malformed("count"))?;
            let of_value: &mut Vec<u64> = counts
                .entry(value)
                .or_insert_with(|| vec![0; days.len() - 1]);
            let place = of_value.get_mut(day);
            *place.ok_or_else(|| StoreError::malformed("day"))? = count;
        }
        Ok(counts)
    }
}

/// Builds the expression that computes the index of a registration's day, from `offset`. A binary search, because it
/// runs for every registration.
fn day_expression(offset: usize, days: &[i64]) -> Bson {
    let count = days.len().saturating_sub(1);
    if count <= 1 {
        let day = i64::try_from(offset).unwrap_or(i64::MAX);
        return doc! { "$literal": day }.into();
    }
    let half = count / 2;
    let is_before = doc! { "$lt": ["$received_at", DateTime::from_millis(days[half])] };
    let before = day_expression(offset, &days[..=half]);
    let after = day_expression(offset + half, &days[half..]);
    doc! { "$cond": [is_before, before, after] }.into()
}

fn read_day_count(found: &Document) -> Option<(String, usize, u64)> {
    let of = found.get_document("_id").ok()?;
    let day = read_number(of.get("day")?)?;
    let value = of.get_str("value").ok()?.to_owned();
    Some((
        value,
        usize::try_from(day).ok()?,
        read_number(found.get("count")?)?,
    ))
}
