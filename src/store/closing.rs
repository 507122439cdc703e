//! Campaigns that administrators closed early.

use std::collections::BTreeMap;

use super::{Store, StoreError, ask};
use crate::domain::CampaignId;
use crate::domain::closing::Closing;

impl Store {
    /// Closes a campaign. Returns false, and changes nothing, if it is closed already.
    pub async fn close(
        &self,
        campaign: &CampaignId,
        closing: &Closing,
    ) -> Result<bool, StoreError> {
        ask!("close", self.close(campaign, closing))
    }

    /// Reopens a closed campaign. Returns false if it is not closed.
    pub async fn reopen(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        ask!("reopen", self.reopen(campaign))
    }

    /// Returns the closed campaigns.
    pub async fn closings(&self) -> Result<BTreeMap<CampaignId, Closing>, StoreError> {
        ask!("closings", self.closings())
    }
}
