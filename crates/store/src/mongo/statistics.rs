//! Statistics in MongoDB. Registrations by day come from the index alone. Rejections have one document per campaign
//! and day, whose `_id` is both.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use jiff::civil::Date;
use mongodb::bson::{Bson, DateTime, Document, doc};

use super::{COUNT_TIMEOUT, MongoStore, connect, with_timeout};
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::CampaignId;

impl MongoStore {
    pub(crate) async fn count_by_day(
        &self,
        campaign: &CampaignId,
        days: &[Timestamp],
    ) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
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
            .hint(connect::list_index_hint())
            .max_time(COUNT_TIMEOUT);
        let read = async { counted.await?.try_collect::<Vec<_>>().await };
        let mut counts = BTreeMap::new();
        for found in with_timeout(COUNT_TIMEOUT, read).await? {
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

    pub(crate) async fn add_rejections(
        &self,
        campaign: &CampaignId,
        day: Date,
        counts: &BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        let added = counts.iter().map(|(reason, count)| {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            (format!("counts.{reason}"), Bson::Int64(count))
        });
        let add = doc! { "$inc": added.collect::<Document>() };
        let day = doc! { "_id": format!("{campaign}/{day}") };
        with_timeout(
            OPERATION_TIMEOUT,
            self.rejections.update_one(day, add).upsert(true),
        )
        .await
        .map(drop)
    }

    pub(crate) async fn rejections(
        &self,
        campaign: &CampaignId,
        since: Date,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        // `0` follows `/`: it ends the range of the campaign's days.
        let range = doc! { "$gte": format!("{campaign}/{since}"), "$lt": format!("{campaign}0") };
        let find = self.rejections.find(doc! { "_id": range });
        let days = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        let mut sums = BTreeMap::new();
        for day in &days {
            let counts = day.get_document("counts");
            for (reason, count) in counts.map_err(|_| StoreError::malformed("counts"))? {
                let count = number(count).ok_or_else(|| StoreError::malformed("counts"))?;
                *sums.entry(reason.clone()).or_insert(0) += count;
            }
        }
        Ok(sums)
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
    let day = number(of.get("day")?)?;
    let value = of.get_str("value").ok()?.to_owned();
    Some((
        value,
        usize::try_from(day).ok()?,
        number(found.get("count")?)?,
    ))
}

fn number(number: &Bson) -> Option<u64> {
    let number = number.as_i64().or_else(|| number.as_i32().map(i64::from));
    number.map(i64::unsigned_abs)
}
