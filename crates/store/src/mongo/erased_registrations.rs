//! Lists deleted registrations from the tombstones. Scans all documents in order of their ids.

use futures_util::TryStreamExt;
use mongodb::bson::{RawDocumentBuf, doc};

use super::{COUNT_TIMEOUT, MongoStore, binary, document, with_timeout};
use crate::{ErasedRegistration, StoreError};
use jornada_domain::{CampaignId, RegistrationId};

impl MongoStore {
    pub(crate) async fn erased_registrations(
        &self,
        after: Option<RegistrationId>,
        limit: u16,
    ) -> Result<Vec<ErasedRegistration>, StoreError> {
        let mut filter = doc! { "gone": { "$exists": true } };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": binary(after.as_bytes()) });
        }
        let find = self
            .registrations
            .find(filter)
            .sort(doc! { "_id": 1 })
            .projection(doc! { "gone.campaign": 1 })
            .limit(limit.into());
        let found = with_timeout(COUNT_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found.iter().map(read_tombstone).collect()
    }
}

fn read_tombstone(found: &RawDocumentBuf) -> Result<ErasedRegistration, StoreError> {
    let gone = found.get_document("gone").ok();
    let campaign = gone.and_then(|gone| gone.get_str("campaign").ok());
    let campaign = campaign.and_then(CampaignId::parse);
    Ok(ErasedRegistration {
        campaign: campaign.ok_or_else(|| StoreError::malformed("campaign"))?,
        id: document::read_field(found, "_id", document::bytes).map(RegistrationId::from_bytes)?,
    })
}
