//! Closed campaigns in MongoDB, by campaign id.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use super::account::{moment, time};
use super::{MongoStore, driver_error, with_timeout};
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::CampaignId;
use jornada_domain::early_closure::EarlyClosure;

impl MongoStore {
    pub(crate) async fn close_campaign(
        &self,
        campaign: &CampaignId,
        closure: &EarlyClosure,
    ) -> Result<bool, StoreError> {
        let document = doc! {
            "_id": campaign.as_str(),
            "at": moment(closure.at),
            "by": &closure.by,
            "reason": &closure.reason,
        };
        let closed = timeout(OPERATION_TIMEOUT, async {
            self.closures.insert_one(document).await
        })
        .await;
        match closed.map_err(|_| StoreError::timed_out())? {
            Ok(_) => Ok(true),
            Err(error) if driver_error::is_duplicate(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn reopen_campaign(&self, campaign: &CampaignId) -> Result<bool, StoreError> {
        let reopen = self.closures.delete_one(doc! { "_id": campaign.as_str() });
        Ok(with_timeout(OPERATION_TIMEOUT, reopen).await?.deleted_count > 0)
    }

    pub(crate) async fn closures(&self) -> Result<BTreeMap<CampaignId, EarlyClosure>, StoreError> {
        let find = self.closures.find(doc! {});
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found.iter().map(read_closure).collect()
    }
}

fn read_closure(document: &Document) -> Result<(CampaignId, EarlyClosure), StoreError> {
    let malformed = StoreError::malformed;
    let text = |name: &'static str| document.get_str(name).map_err(|_| malformed(name));
    let campaign = CampaignId::parse(text("_id")?).ok_or_else(|| malformed("_id"))?;
    let closing = EarlyClosure {
        at: time(document, "at")?.ok_or_else(|| malformed("at"))?,
        by: text("by")?.to_owned(),
        reason: text("reason")?.to_owned(),
    };
    Ok((campaign, closing))
}
