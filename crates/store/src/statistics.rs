//! Statistics for the staff overview: registrations by day, and rejections by reason.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Store, StoreError, dispatch};
use jornada_domain::CampaignId;

impl Store {
    /// Counts registrations per value and day. `days` holds the starts of the days, ascending, and the end of the last
    /// one. Omits values without registrations. Reads every registration of these days: not for each request.
    pub async fn count_by_day(
        &self,
        campaign: &CampaignId,
        days: &[Timestamp],
    ) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
        if days.len() < 2 {
            return Ok(BTreeMap::new());
        }
        dispatch!("days", self.count_by_day(campaign, days))
    }

    /// Adds to the rejection counts of a day in the campaign's time zone, by reason (closed set). Not idempotent:
    /// repeating it may count twice.
    pub async fn add_rejections(
        &self,
        campaign: &CampaignId,
        day: Date,
        counts: &BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        if counts.is_empty() {
            return Ok(());
        }
        dispatch!("add_refusals", self.add_rejections(campaign, day, counts))
    }

    /// Returns the rejection counts since a day, by reason.
    pub async fn rejections(
        &self,
        campaign: &CampaignId,
        since: Date,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        dispatch!("refusals", self.rejections(campaign, since))
    }
}
