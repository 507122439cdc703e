//! Registrations by day, for the staff overview.

mod mongo;
mod sqlite;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::CampaignId;

impl Store {
    /// Counts registrations per value and day. `days` holds the starts of the days, ascending, and the end of the last
    /// one. Omits values without registrations. Reads every registration of these days: not for each request.
    pub async fn count_by_day(
        &self,
        campaign: &CampaignId,
        days: &[Timestamp],
    ) -> Result<BTreeMap<String, Vec<u64>>> {
        if days.len() < 2 {
            return Ok(BTreeMap::new());
        }
        dispatch!("days", self.count_by_day(campaign, days))
    }
}
