//! Counts for the overview of the staff: registrations by day, and why others were refused.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Store, StoreError, ask};
use crate::domain::CampaignId;

impl Store {
    /// Registrations per value and day: `days` are the beginnings of the days, ascending, and the end of the last.
    /// Values without any in these days are left out. Reads every registration of these days: not for each request.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn days(
        &self,
        campaign: &CampaignId,
        days: &[Timestamp],
    ) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
        if days.len() < 2 {
            return Ok(BTreeMap::new());
        }
        ask!("days", self.days(campaign, days))
    }

    /// Adds to what was refused on a day of the campaign's time zone, by reason (words of a closed set).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] also when the outcome is unknown: it may have been added.
    pub async fn add_refusals(
        &self,
        campaign: &CampaignId,
        day: Date,
        counts: &BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        if counts.is_empty() {
            return Ok(());
        }
        ask!("add_refusals", self.add_refusals(campaign, day, counts))
    }

    /// What was refused on this day and later, by reason.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn refusals(
        &self,
        campaign: &CampaignId,
        since: Date,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        ask!("refusals", self.refusals(campaign, since))
    }
}
