//! Rejection counts in MongoDB: one document per campaign and day, whose `_id` is both.

use std::collections::BTreeMap;

use jiff::civil::Date;
use mongodb::bson::{Bson, Document, doc};

use crate::error::{Result, StoreError};
use crate::mongo::convert::{number, read_number};
use crate::mongo::handle::{MongoStore, collect};
use crate::time_limit::{OPERATION_TIMEOUT, in_time};
use jornada_domain::CampaignId;

impl MongoStore {
    pub(crate) async fn add_rejections(
        &self,
        campaign: &CampaignId,
        day: Date,
        counts: &BTreeMap<String, u64>,
    ) -> Result<()> {
        let added = counts
            .iter()
            .map(|(reason, count)| (format!("counts.{reason}"), Bson::Int64(number(*count))));
        let add = doc! { "$inc": added.collect::<Document>() };
        let day = doc! { "_id": format!("{campaign}/{day}") };
        let update = self.rejections.update_one(day, add).upsert(true);
        in_time(update).await.map(drop)
    }

    pub(crate) async fn rejections(
        &self,
        campaign: &CampaignId,
        since: Date,
    ) -> Result<BTreeMap<String, u64>> {
        // `0` follows `/`: it ends the range of the campaign's days.
        let range = doc! { "$gte": format!("{campaign}/{since}"), "$lt": format!("{campaign}0") };
        let find = self.rejections.find(doc! { "_id": range });
        let days = collect(OPERATION_TIMEOUT, find).await?;
        let mut sums = BTreeMap::new();
        for day in &days {
            let counts = day.get_document("counts");
            for (reason, count) in counts.map_err(|_| StoreError::malformed("counts"))? {
                let count = read_number(count).ok_or_else(|| StoreError::malformed("counts"))?;
                *sums.entry(reason.clone()).or_insert(0) += count;
            }
        }
        Ok(sums)
    }

    pub(crate) async fn delete_expired_rejections(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64> {
        let range = doc! { "$gte": format!("{campaign}/"), "$lt": format!("{campaign}/{before}") };
        let swept = self.rejections.delete_many(doc! { "_id": range });
        Ok(in_time(swept).await?.deleted_count)
    }
}
