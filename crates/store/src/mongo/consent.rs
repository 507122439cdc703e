//! Consent texts in MongoDB. The `_id` is the version.

use mongodb::bson::doc;

use super::{MongoStore, with_timeout};
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::Localized;

impl MongoStore {
    pub(crate) async fn insert_consent(
        &self,
        version: &str,
        text: &Localized,
    ) -> Result<(), StoreError> {
        let new = doc! { "$setOnInsert": { "es": &text.es, "en": &text.en } };
        let keep = self.consents.update_one(doc! { "_id": version }, new);
        with_timeout(OPERATION_TIMEOUT, keep.upsert(true))
            .await
            .map(drop)
    }

    pub(crate) async fn consent(&self, version: &str) -> Result<Option<Localized>, StoreError> {
        let find = self.consents.find_one(doc! { "_id": version });
        let Some(found) = with_timeout(OPERATION_TIMEOUT, find).await? else {
            return Ok(None);
        };
        let words = |lang| {
            let words = found.get_str(lang);
            words.map_err(|_| StoreError::malformed("text"))
        };
        Ok(Some(Localized {
            es: words("es")?.to_owned(),
            en: words("en")?.to_owned(),
        }))
    }
}
