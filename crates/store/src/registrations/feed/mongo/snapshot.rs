//! Totals at one position of the feed: the server counts at one cluster time, and returns that time.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use mongodb::bson::{RawBsonRef, RawDocument, Timestamp, doc};
use mongodb::options::ReadConcern;
use mongodb::raw_batch_cursor::RawBatch;

use crate::error::{Result, StoreError};
use crate::mongo::convert::read_number;
use crate::mongo::handle::{MongoStore, primary};
use crate::mongo::indexes::list_index_hint;
use crate::registrations::feed::change::{FeedPosition, TotalsSnapshot};
use crate::registrations::mongo::selection_filter;
use crate::time_limit::{COUNT_TIMEOUT, with_timeout};
use jornada_domain::{CampaignId, RegistrationSelection};

impl MongoStore {
    /// Counts the totals at one cluster time, from the index alone.
    pub(crate) async fn snapshot(&self, campaign: &CampaignId) -> Result<TotalsSnapshot> {
        let count = doc! { "_id": "$value", "count": { "$sum": 1 } };
        let pipeline = [
            doc! { "$match": selection_filter(campaign, &RegistrationSelection::all()) },
            doc! { "$group": count },
        ];
        let totals = self
            .registrations
            .aggregate(pipeline)
            .hint(list_index_hint())
            .read_concern(ReadConcern::snapshot())
            .selection_criteria(primary());
        let read = async {
            let mut cursor = totals.batch().await?;
            let mut snapshot = None;
            let mut totals = BTreeMap::new();
            while let Some(batch) = cursor.next().await {
                let batch = batch?;
                snapshot = snapshot.or_else(|| read_cluster_time(&batch));
                for total in batch.doc_slices()? {
                    let total = total.ok().and_then(RawBsonRef::as_document);
                    let total = total.and_then(value_and_count);
                    totals.extend([total.ok_or_else(|| StoreError::malformed("total"))?]);
                }
            }
            let at = snapshot.ok_or_else(|| StoreError::malformed("atClusterTime"))?;
            let position = FeedPosition { at, token: None };
            Ok::<_, StoreError>(TotalsSnapshot { totals, position })
        };
        with_timeout(COUNT_TIMEOUT, read).await
    }
}

fn read_cluster_time(batch: &RawBatch) -> Option<u64> {
    let cursor = batch.as_raw_document().get_document("cursor").ok()?;
    cursor.get_timestamp("atClusterTime").ok().map(to_order)
}

fn value_and_count(total: &RawDocument) -> Option<(String, u64)> {
    let count = total.get("count").ok()??.try_into().ok()?;
    Some((total.get_str("_id").ok()?.to_owned(), read_number(&count)?))
}

/// Converts a cluster time to a number in the same order.
pub(crate) fn to_order(time: Timestamp) -> u64 {
    u64::from(time.time) << 32 | u64::from(time.increment)
}
