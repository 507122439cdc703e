//! Campaigns that administrators closed before their time.

use std::collections::BTreeMap;

use super::{Store, StoreError, ask};
use crate::domain::CampaignId;
use crate::domain::closing::Closing;

impl Store {
    /// Closes a campaign; false if it is closed already, and nothing of that changes.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be closed.
    pub async fn close(
        &self,
        campaign: &CampaignId,
        closing: &Closing,
    ) -> Result<bool, StoreError> {
        ask!("close", self.close(campaign, closing))
    }

    /// Opens a closed campaign again; false if it is not closed.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be open.
    pub async fn reopen(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        ask!("reopen", self.reopen(campaign))
    }

    /// The campaigns that are closed now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn closings(&self) -> Result<BTreeMap<CampaignId, Closing>, StoreError> {
        ask!("closings", self.closings())
    }
}
