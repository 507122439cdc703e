//! Fills in names, a batch with one command. A correction that comes in between has set the name: it is left alone.

use futures_util::TryStreamExt;
use mongodb::bson::{Document, RawDocumentBuf, doc};

use super::{MongoStore, binary, bounded, document, search};
use crate::domain::Campaign;
use crate::store::names::BATCH;
use crate::store::{StoreError, WAIT};

impl MongoStore {
    pub(in crate::store) async fn fill_names(
        &self,
        campaign: &Campaign,
    ) -> Result<usize, StoreError> {
        let nameless = self
            .registrations
            .find(doc! { "campaign": campaign.id.as_str(), "name": null })
            .hint(search::by_name())
            .limit(i64::try_from(BATCH).unwrap_or(i64::MAX))
            .selection_criteria(super::primary());
        let read = async { nameless.await?.try_collect::<Vec<_>>().await };
        let nameless: Vec<RawDocumentBuf> = bounded(WAIT, read).await?;
        if nameless.is_empty() {
            return Ok(0);
        }
        let updates = nameless.iter().map(|found| update(campaign, found));
        let updates: Vec<_> = updates.collect::<Result<_, _>>()?;
        let ask = doc! {
            "update": self.registrations.name(),
            "updates": updates,
            "ordered": false,
            "writeConcern": { "w": "majority", "j": true },
        };
        let answer = self.ask_primary(WAIT, ask).await?;
        if answer.contains_key("writeErrors") || answer.contains_key("writeConcernError") {
            return Err(StoreError::Unavailable("some names were not kept".into()));
        }
        Ok(nameless.len())
    }
}

fn update(campaign: &Campaign, found: &RawDocumentBuf) -> Result<Document, StoreError> {
    let registration = document::registration(campaign, found)?;
    let name = campaign.searched_name(&registration.answers);
    Ok(doc! {
        "q": { "_id": binary(registration.id.as_bytes()), "name": { "$exists": false } },
        "u": { "$set": { "name": name.unwrap_or_default() } },
    })
}
