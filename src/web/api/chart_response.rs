//! API response with the totals: JSON and entity tag, rendered once per change for all clients.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use jornada_domain::CampaignId;
use jornada_service::tally::live_totals::{TotalsView, ValueCount};

/// Public totals of a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Chart)]
pub struct ChartBody<'a> {
    /// Id of the campaign.
    campaign: &'a str,
    /// Name of the tallied field.
    by: &'a str,
    /// Time at which the totals were last known to be complete.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// True if `as_of` is so old that the totals may have changed.
    stale: bool,
    /// Sum of all counts.
    total: u64,
    /// Highest count first, equal counts by value.
    values: Vec<CountBody<'a>>,
}

/// Number of registrations with one value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Count)]
pub struct CountBody<'a> {
    /// The value, such as a city.
    value: &'a str,
    /// Number of registrations.
    count: u64,
}

/// Public totals with the HTTP response made from them.
#[derive(Debug)]
pub struct ChartResponse {
    /// The totals.
    pub totals: Arc<TotalsView>,
    /// The totals as JSON.
    pub json: Bytes,
    /// Weak entity tag (RFC 9110, 8.8.3). Depends on counts and `stale`, not on the time.
    pub etag: String,
}

/// The last response of each campaign.
#[derive(Debug)]
pub struct ChartResponses(HashMap<CampaignId, Mutex<Option<Arc<ChartResponse>>>>);

impl ChartResponses {
    /// Creates an empty cache for these campaigns.
    pub fn new<'a>(campaigns: impl Iterator<Item = &'a CampaignId>) -> Self {
        let empty = |id: &CampaignId| (id.clone(), Mutex::default());
        Self(campaigns.map(empty).collect())
    }

    /// Returns the response for these totals; renders it if they are not those of the last call.
    pub fn of(&self, campaign: &CampaignId, chart: Arc<TotalsView>) -> Arc<ChartResponse> {
        let Some(last) = self.0.get(campaign) else {
            return Arc::new(ChartResponse::of(chart));
        };
        let mut last = last.lock();
        let known = last
            .take()
            .filter(|known| Arc::ptr_eq(&known.totals, &chart));
        Arc::clone(last.insert(known.unwrap_or_else(|| Arc::new(ChartResponse::of(chart)))))
    }
}

impl<'a> From<&'a TotalsView> for ChartBody<'a> {
    fn from(chart: &'a TotalsView) -> Self {
        let count = |one: &'a ValueCount| CountBody {
            value: &one.value,
            count: one.count,
        };
        Self {
            campaign: &chart.campaign,
            by: &chart.by,
            as_of: chart.as_of,
            stale: chart.stale,
            total: chart.total,
            values: chart.values.iter().map(count).collect(),
        }
    }
}

impl ChartResponse {
    fn of(totals: Arc<TotalsView>) -> Self {
        let body = ChartBody::from(&*totals);
        let json = serde_json::to_vec(&body).expect("texts, numbers and flags are always JSON");
        let mut hash = Sha256::new();
        hash.update([u8::from(totals.stale)]);
        for one in &totals.values {
            hash.update(one.value.as_bytes());
            hash.update([0]);
            hash.update(one.count.to_be_bytes());
        }
        let tag = data_encoding::HEXLOWER.encode(&hash.finalize()[..8]);
        Self {
            json: json.into(),
            etag: format!("W/\"{tag}\""),
            totals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(as_of: i64, stale: bool) -> Arc<TotalsView> {
        Arc::new(TotalsView {
            campaign: "vacunacion".into(),
            by: "ciudad".into(),
            as_of: Timestamp::from_second(as_of).unwrap(),
            stale,
            total: 0,
            values: Vec::new(),
            counts: Arc::default(),
        })
    }

    #[test]
    fn the_tag_depends_on_what_is_shown_and_not_on_the_time() {
        let tag = |as_of, stale| ChartResponse::of(chart(as_of, stale)).etag;
        assert_eq!(tag(1, false), tag(2, false));
        assert_ne!(tag(1, false), tag(1, true));
    }

    #[test]
    fn the_same_totals_are_rendered_once() {
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let responses = ChartResponses::new([&campaign].into_iter());
        let first = chart(1, false);
        let one = responses.of(&campaign, Arc::clone(&first));
        assert!(Arc::ptr_eq(&one, &responses.of(&campaign, first)));
        let next = responses.of(&campaign, chart(2, false));
        assert_eq!(next.totals.as_of.as_second(), 2);
    }
}
