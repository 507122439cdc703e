//! Campaigns that administrators closed early.

use std::collections::BTreeMap;

use super::{Store, StoreError, dispatch};
use jornada_domain::CampaignId;
use jornada_domain::early_closure::EarlyClosure;

impl Store {
    /// Closes a campaign. Returns false, and changes nothing, if it is closed already.
    pub async fn close_campaign(
        &self,
        campaign: &CampaignId,
        closure: &EarlyClosure,
    ) -> Result<bool, StoreError> {
        dispatch!("close", self.close_campaign(campaign, closure))
    }

    /// Reopens a closed campaign. Returns false if it is not closed.
    pub async fn reopen_campaign(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        dispatch!("reopen", self.reopen_campaign(campaign))
    }

    /// Returns the closed campaigns.
    pub async fn closures(&self) -> Result<BTreeMap<CampaignId, EarlyClosure>, StoreError> {
        dispatch!("closings", self.closures())
    }
}
