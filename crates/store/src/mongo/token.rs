//! API tokens in MongoDB.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::{Document, doc};
use tokio::time::timeout;

use super::account::{bytes, moment, reach, time};
use super::{MongoStore, binary, driver_error, with_timeout};
use crate::token::MAX_TOKENS;
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::staff::{ApiToken, Scopes};

impl MongoStore {
    pub(crate) async fn add_token(&self, token: &ApiToken) -> Result<(), StoreError> {
        let mut document = doc! {
            "_id": binary(&token.hash),
            "name": &token.name,
            "scopes": token.scopes.to_text(),
            "places": token.place_scope.places(),
            "created_at": moment(token.created_at),
        };
        if let Some(expires_at) = token.expires_at {
            document.insert("expires_at", moment(expires_at));
        }
        if let Some(revoked_at) = token.revoked_at {
            document.insert("revoked_at", moment(revoked_at));
        }
        let added = timeout(OPERATION_TIMEOUT, async {
            self.tokens.insert_one(document).await
        })
        .await;
        match added.map_err(|_| StoreError::timed_out())? {
            Err(error) if !driver_error::is_duplicate(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(crate) async fn read_token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        let find = self.tokens.find_one(doc! { "_id": binary(hash) });
        let found = with_timeout(OPERATION_TIMEOUT, find).await?;
        found.as_ref().map(token).transpose()
    }

    pub(crate) async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let find = self
            .tokens
            .find(doc! {})
            .sort(doc! { "name": 1, "_id": 1 })
            .limit(MAX_TOKENS.into());
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found.iter().map(token).collect()
    }

    pub(crate) async fn revoke_token(
        &self,
        hash: &[u8; 32],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let live = doc! { "_id": binary(hash), "revoked_at": null };
        let revoke = doc! { "$set": { "revoked_at": moment(at) } };
        let revoked = with_timeout(OPERATION_TIMEOUT, self.tokens.update_one(live, revoke)).await?;
        Ok(revoked.matched_count > 0)
    }
}

fn token(document: &Document) -> Result<ApiToken, StoreError> {
    let malformed = StoreError::malformed;
    let name = document.get_str("name").map_err(|_| malformed("name"))?;
    let scopes = document.get_str("scopes").map(Scopes::parse);
    Ok(ApiToken {
        hash: bytes(document, "_id")?.ok_or_else(|| malformed("_id"))?,
        name: name.to_owned(),
        scopes: scopes.map_err(|_| malformed("scopes"))?,
        place_scope: reach(document)?,
        created_at: time(document, "created_at")?.ok_or_else(|| malformed("created_at"))?,
        expires_at: time(document, "expires_at")?,
        revoked_at: time(document, "revoked_at")?,
    })
}
