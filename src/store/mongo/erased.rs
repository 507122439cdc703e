//! Lists deleted registrations from the tombstones. Scans all documents in order of their ids.

use futures_util::TryStreamExt;
use mongodb::bson::{RawDocumentBuf, doc};

use super::{COUNT, MongoStore, binary, bounded, document};
use crate::domain::{CampaignId, RegistrationId};
use crate::store::{Erased, StoreError};

impl MongoStore {
    pub(in crate::store) async fn erased_after(
        &self,
        after: Option<RegistrationId>,
        most: u16,
    ) -> Result<Vec<Erased>, StoreError> {
        let mut filter = doc! { "gone": { "$exists": true } };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": binary(after.as_bytes()) });
        }
        let find = self
            .registrations
            .find(filter)
            .sort(doc! { "_id": 1 })
            .projection(doc! { "gone.campaign": 1 })
            .limit(most.into());
        let found = bounded(COUNT, async { find.await?.try_collect::<Vec<_>>().await }).await?;
        found.iter().map(erased).collect()
    }
}

fn erased(found: &RawDocumentBuf) -> Result<Erased, StoreError> {
    let gone = found.get_document("gone").ok();
    let campaign = gone.and_then(|gone| gone.get_str("campaign").ok());
    let campaign = campaign.and_then(CampaignId::parse);
    Ok(Erased {
        campaign: campaign.ok_or_else(|| StoreError::malformed("campaign"))?,
        id: document::part(found, "_id", document::bytes).map(RegistrationId::from_bytes)?,
    })
}
