//! Rejected submissions per campaign and day, counted by reason for the staff overview.

mod mongo;
mod sqlite;

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::CampaignId;

impl Store {
    /// Adds to the rejection counts of a day in the campaign's time zone, by reason (closed set). Not idempotent:
    /// repeating it may count twice.
    pub async fn add_rejections(
        &self,
        campaign: &CampaignId,
        day: Date,
        counts: &BTreeMap<String, u64>,
    ) -> Result<()> {
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
    ) -> Result<BTreeMap<String, u64>> {
        dispatch!("refusals", self.rejections(campaign, since))
    }

    /// Deletes the rejection counts of days before this one. Returns the number of deleted records.
    pub async fn delete_expired_rejections(
        &self,
        campaign: &CampaignId,
        before: Date,
    ) -> Result<u64> {
        dispatch!(
            "sweep_refusals",
            self.delete_expired_rejections(campaign, before)
        )
    }
}
