//! Campaigns that administrators closed early.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::handle::Store;
use crate::records::{Condition, Fields, InsertableRecord, Query, Record, Table};
use jornada_domain::CampaignId;
use jornada_domain::early_closure::EarlyClosure;

type Closure = (CampaignId, EarlyClosure);

impl Record for Closure {
    const TABLE: Table = Table::new("closings", "campaign");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let closure = EarlyClosure {
            at: fields.take("at")?,
            by: fields.take("by")?,
            reason: fields.take("reason")?,
        };
        Ok((fields.parse("campaign", CampaignId::parse)?, closure))
    }
}

impl InsertableRecord for Closure {
    fn to_fields(&self) -> Fields {
        let (campaign, closure) = self;
        Fields::from([
            ("campaign", campaign.as_str().into()),
            ("at", closure.at.into()),
            ("by", (&closure.by).into()),
            ("reason", (&closure.reason).into()),
        ])
    }
}

impl Store {
    /// Closes a campaign. Returns false, and changes nothing, if it is closed already.
    pub async fn close_campaign(
        &self,
        campaign: &CampaignId,
        closure: &EarlyClosure,
    ) -> Result<bool> {
        let record = (campaign.clone(), closure.clone());
        self.time("close", self.insert_record(&record)).await
    }

    /// Reopens a closed campaign. Returns false if it is not closed.
    pub async fn reopen_campaign(&self, campaign: &CampaignId) -> Result<bool> {
        let closure = [Condition::is("campaign", campaign.as_str())];
        let delete = self.delete_records::<Closure>(closure);
        Ok(self.time("reopen", delete).await? > 0)
    }

    /// Returns the closed campaigns.
    pub async fn closures(&self) -> Result<BTreeMap<CampaignId, EarlyClosure>> {
        let all = self.find_records::<Closure>(Query::new([]));
        Ok(self.time("closings", all).await?.into_iter().collect())
    }
}
