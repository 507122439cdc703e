//! Staff sessions in MongoDB.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::Result as Driven;
use tokio::time::timeout;
use uuid::Uuid;

use super::account::{bytes, count, moment, number, time};
use super::{MongoStore, binary, driver_error, with_timeout};
use crate::session::MAX_SESSIONS;
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::staff::Session;

/// Creates the indexes for the list of an account and for deleting expired sessions.
pub(super) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let index = |keys: Document| IndexModel::builder().keys(keys).build();
    let indexes = [
        index(doc! { "account": 1, "created_at": -1 }),
        index(doc! { "seen_at": 1 }),
    ];
    store.sessions.create_indexes(indexes).await.map(drop)
}

impl MongoStore {
    pub(crate) async fn add_session(&self, session: &Session) -> Result<(), StoreError> {
        let document = doc! {
            "_id": binary(&session.hash),
            "account": binary(session.account.as_bytes()),
            "epoch": number(session.epoch),
            "created_at": moment(session.created_at),
            "seen_at": moment(session.seen_at),
        };
        let added = timeout(OPERATION_TIMEOUT, async {
            self.sessions.insert_one(document).await
        })
        .await;
        match added.map_err(|_| StoreError::timed_out())? {
            Err(error) if !driver_error::is_duplicate(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub(crate) async fn read_session(
        &self,
        hash: &[u8; 32],
    ) -> Result<Option<Session>, StoreError> {
        let find = self.sessions.find_one(doc! { "_id": binary(hash) });
        let found = with_timeout(OPERATION_TIMEOUT, find).await?;
        found.as_ref().map(session).transpose()
    }

    pub(crate) async fn touch_session(
        &self,
        hash: &[u8; 32],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let filter = doc! { "_id": binary(hash) };
        let update = doc! { "$max": { "seen_at": moment(at) } };
        let noted = self.sessions.update_one(filter, update);
        with_timeout(OPERATION_TIMEOUT, noted).await.map(drop)
    }

    pub(crate) async fn remove_session(
        &self,
        account: Uuid,
        hash: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let filter = doc! { "_id": binary(hash), "account": binary(account.as_bytes()) };
        let removed = with_timeout(OPERATION_TIMEOUT, self.sessions.delete_one(filter)).await?;
        Ok(removed.deleted_count > 0)
    }

    pub(crate) async fn sessions_of(&self, account: Uuid) -> Result<Vec<Session>, StoreError> {
        let find = self
            .sessions
            .find(doc! { "account": binary(account.as_bytes()) })
            .sort(doc! { "created_at": -1, "_id": 1 })
            .limit(MAX_SESSIONS.into());
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found.iter().map(session).collect()
    }

    pub(crate) async fn delete_expired_sessions(
        &self,
        seen_before: Timestamp,
    ) -> Result<u64, StoreError> {
        let over = doc! { "seen_at": { "$lt": moment(seen_before) } };
        let removed = with_timeout(OPERATION_TIMEOUT, self.sessions.delete_many(over)).await?;
        Ok(removed.deleted_count)
    }
}

fn session(document: &Document) -> Result<Session, StoreError> {
    let at = |name| time(document, name)?.ok_or_else(|| StoreError::malformed(name));
    Ok(Session {
        hash: bytes(document, "_id")?.ok_or_else(|| StoreError::malformed("_id"))?,
        account: bytes(document, "account")?
            .map(Uuid::from_bytes)
            .ok_or_else(|| StoreError::malformed("account"))?,
        epoch: count(document, "epoch")?,
        created_at: at("created_at")?,
        seen_at: at("seen_at")?,
    })
}
