//! Closed campaigns in MongoDB, by campaign id.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use super::account::{moment, time};
use super::{MongoStore, bounded, fault};
use crate::domain::CampaignId;
use crate::domain::closing::Closing;
use crate::store::{StoreError, WAIT};

impl MongoStore {
    pub(in crate::store) async fn close(
        &self,
        campaign: &CampaignId,
        closing: &Closing,
    ) -> Result<bool, StoreError> {
        let document = doc! {
            "_id": campaign.as_str(),
            "at": moment(closing.at),
            "by": &closing.by,
            "reason": &closing.reason,
        };
        let closed = timeout(WAIT, async { self.closings.insert_one(document).await }).await;
        match closed.map_err(|_| StoreError::late())? {
            Ok(_) => Ok(true),
            Err(error) if fault::is_duplicate(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(in crate::store) async fn reopen(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        let reopen = self.closings.delete_one(doc! { "_id": campaign.as_str() });
        Ok(bounded(WAIT, reopen).await?.deleted_count > 0)
    }

    pub(in crate::store) async fn closings(
        &self,
    ) -> Result<BTreeMap<CampaignId, Closing>, StoreError> {
        let find = self.closings.find(doc! {});
        let found = bounded(WAIT, async { find.await?.try_collect::<Vec<_>>().await }).await?;
        found.iter().map(closing).collect()
    }
}

fn closing(document: &Document) -> Result<(CampaignId, Closing), StoreError> {
    let malformed = StoreError::malformed;
    let text = |name: &'static str| document.get_str(name).map_err(|_| malformed(name));
    let campaign = CampaignId::parse(text("_id")?).ok_or_else(|| malformed("_id"))?;
    let closing = Closing {
        at: time(document, "at")?.ok_or_else(|| malformed("at"))?,
        by: text("by")?.to_owned(),
        reason: text("reason")?.to_owned(),
    };
    Ok((campaign, closing))
}
